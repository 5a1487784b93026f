package e2e

import (
	"cmp"
	"crypto/md5"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The oracle computes the holders from ring addresses and names alone, by the definition: sort the
// nodes, and take the first at or after the key. It shares no code with the product.

// oracleKey is the MD5 of s as one big-endian number, mod 2^16.
func oracleKey(s string) int {
	sum := md5.Sum([]byte(s))
	return int(new(big.Int).Mod(new(big.Int).SetBytes(sum[:]), big.NewInt(1<<16)).Int64())
}

// place is a node as the oracle sees it.
type place struct {
	key    int
	peerID string
}

// placeOf is the place of the node with this ring address, HOST:PORT.
func placeOf(address, peerID string) place {
	return place{key: oracleKey(strings.Replace(address, ":", "", 1)), peerID: peerID}
}

// holdersOf returns owner, predecessor and successor of a name.
func holdersOf(nodes []place, name string) (owner, predecessor, successor string) {
	sorted := slices.Clone(nodes)
	// Base58 of peer IDs of one kind and length sorts as their bytes do.
	slices.SortFunc(sorted, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.key, b.key), strings.Compare(a.peerID, b.peerID))
	})
	n := len(sorted)
	i := 0
	for i < n && sorted[i].key < oracleKey(name) {
		i++
	}
	return sorted[i%n].peerID, sorted[(i+n-1)%n].peerID, sorted[(i+1)%n].peerID
}

// wantHolders is the set of distinct holders of three copies, sorted.
func wantHolders(nodes []place, name string) []string {
	a, b, c := holdersOf(nodes, name)
	out := []string{a, b, c}
	slices.Sort(out)
	return slices.Compact(out)
}

func (p place) String() string { return fmt.Sprintf("%d %s", p.key, p.peerID) }
