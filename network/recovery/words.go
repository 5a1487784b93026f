// Package recovery is the recovery keys of a private network as words on paper. It is pure.
//
// A recovery key is an Ed25519 key, whose seed of 32 bytes and a checksum of 6 are written as 24
// words of the EFF's large list (docs/decisions/0172). A typing error is found unless it hits one
// sheet in 2^48.
package recovery

import (
	"crypto/ed25519"
	"math/big"
	"slices"
	"strings"

	"github.com/sethvargo/go-diceware/diceware"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Words is how many words a sheet has.
const Words = 24

const (
	sumSize   = 6
	valueSize = ed25519.SeedSize + sumSize
	dice      = 5 // of six sides: the list has 6^5 words
	listSize  = 6 * 6 * 6 * 6 * 6

	checkContext = "p2pchord 2026-11 recovery words check"
)

// Sheet returns the words of a recovery key.
func Sheet(key ed25519.PrivateKey) []string {
	seed := key.Seed()
	n := new(big.Int).SetBytes(append(seed, check(seed)...))
	out := make([]string, Words)
	digit, size := new(big.Int), big.NewInt(listSize)
	for i := range out {
		n.DivMod(n, size, digit)
		out[Words-1-i] = wordAt(int(digit.Int64()))
	}
	return out
}

// Parse reads the words of a sheet, in upper or lower case, with any white space, commas, and line
// numbers among them. Errors are of the kind fault.Usage, and never show a word that is in the
// list.
func Parse(text string) (ed25519.PrivateKey, error) {
	words := Split(text)
	if len(words) != Words {
		return nil, fault.New(fault.Usage, "a recovery sheet has %d words, and these are %d", Words, len(words))
	}
	n, size := new(big.Int), big.NewInt(listSize)
	numbers := index()
	for i, w := range words {
		digit, ok := numbers[w]
		if !ok {
			return nil, fault.New(fault.Usage, "word %d, %.20q, is not in the list of words: compare it with the sheet", i+1, w)
		}
		n.Add(n.Mul(n, size), big.NewInt(int64(digit)))
	}
	if n.BitLen() > 8*valueSize {
		return nil, wrong()
	}
	raw := n.FillBytes(make([]byte, valueSize))
	seed := raw[:ed25519.SeedSize]
	if string(check(seed)) != string(raw[ed25519.SeedSize:]) {
		return nil, wrong()
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// Split returns the words of a text, in lower case.
func Split(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && r != '-'
	})
	return slices.DeleteFunc(words, func(w string) bool { return strings.Trim(w, "-") == "" })
}

func wrong() error {
	return fault.New(fault.Usage, "the recovery words have an error: a word is wrong, or two are exchanged: compare them with the sheet")
}

func check(seed []byte) []byte {
	sum := blake3sum.Derive(checkContext, seed)
	return sum[:sumSize]
}

// wordAt returns word number i of the list, from 0. The list numbers its words by five dice.
func wordAt(i int) string {
	thrown, place := 0, 1
	for range dice {
		thrown += (i%6 + 1) * place
		i, place = i/6, place*10
	}
	return diceware.WordListEffLarge().WordAt(thrown)
}

// index returns the numbers of the words.
func index() map[string]int {
	all := make(map[string]int, listSize)
	for i := range listSize {
		all[wordAt(i)] = i
	}
	return all
}
