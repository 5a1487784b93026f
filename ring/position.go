package ring

import (
	"cmp"
	"crypto/md5" //nolint:gosec // the ring's keys are fixed to MD5; they place things and identify nothing
	"encoding/binary"
	"strings"
)

// Key is a place on the ring of 2^16 places. A key places things and never
// identifies them: two peers, or two files, may have the same one.
type Key uint16

// Hash returns the key of s: the MD5 of its UTF-8 bytes, read as one big-endian
// number, modulo 2^16 (so the last two bytes of the digest).
func Hash(s string) Key {
	sum := md5.Sum([]byte(s)) //nolint:gosec // see the import
	return Key(binary.BigEndian.Uint16(sum[len(sum)-2:]))
}

// ID identifies a peer: the bytes of its libp2p peer ID. The ring only compares it.
type ID string

// Position is where a node stands on the ring. Positions are ordered by key, and
// by peer ID where keys are equal, so that no two nodes share one.
//
// The position of a file has an empty ID and so stands before every node of the same key.
type Position struct {
	Key Key
	ID  ID
}

// At returns the position of a file with key k: before every node with that key.
func At(k Key) Position { return Position{Key: k} }

// IsNode reports whether p is the position of a node; the zero Position is not,
// and stands for "none" where a node is meant.
func (p Position) IsNode() bool { return p.ID != "" }

// Compare orders positions by (key, peer ID).
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Key, q.Key); c != 0 {
		return c
	}
	return strings.Compare(string(p.ID), string(q.ID))
}

// Between reports whether x lies strictly inside the arc that goes clockwise from a
// to b. With a == b the arc is the whole ring but a. (Zave, IEEE TSE 2017, section 3.)
func Between(a, x, b Position) bool {
	if a.Compare(b) < 0 {
		return a.Compare(x) < 0 && x.Compare(b) < 0
	}
	return a.Compare(x) < 0 || x.Compare(b) < 0
}
