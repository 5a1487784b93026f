package recovery

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

var update = flag.Bool("update", false, "write protocol/testdata/recovery.json anew: a change of the encoding")

func seeded(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{n}, ed25519.SeedSize))
}

func TestWordsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, n := range []byte{0, 1, 127, 255} {
		words := Sheet(seeded(n))
		if len(words) != Words {
			t.Fatalf("%d words", len(words))
		}
		numbered := ""
		for i, w := range words {
			numbered += strings.Repeat(" ", i%3) + string(rune('0'+i%10)) + ". " + strings.ToUpper(w) + ",\n"
		}
		for _, text := range []string{strings.Join(words, " "), numbered} {
			if got, err := Parse(text); err != nil || !got.Equal(seeded(n)) {
				t.Errorf("%d: %v", n, err)
			}
		}
	}
}

// Every list has its own words: 6^5 of them.
func TestTheListIsWhole(t *testing.T) {
	t.Parallel()
	if n := len(index()); n != listSize || index()[""] != 0 {
		t.Errorf("%d words", n)
	}
}

func TestWrongWords(t *testing.T) {
	t.Parallel()
	words := Sheet(seeded(7))
	for i := range words {
		other := slices.Clone(words)
		other[i] = wordAt((index()[words[i]] + 1) % listSize)
		expect(t, other, "have an error")
		if j := (i + 1) % Words; words[i] != words[j] {
			swapped := slices.Clone(words)
			swapped[i], swapped[j] = words[j], words[i]
			expect(t, swapped, "have an error")
		}
	}
	expect(t, words[1:], "these are 23")
	expect(t, append(slices.Clone(words), "a"), "these are 25")
	expect(t, append(slices.Clone(words[:23]), "xyzzy"), `word 24, "xyzzy"`)
	expect(t, slices.Repeat([]string{wordAt(listSize - 1)}, Words), "have an error")
}

func expect(t *testing.T, words []string, why string) {
	t.Helper()
	_, err := Parse(strings.Join(words, " "))
	if err == nil || fault.CodeOf(err) != fault.Usage || !strings.Contains(err.Error(), why) {
		t.Errorf("want %q: %v", why, err)
	}
}

// The words of some keys are those in testdata.
func TestVectors(t *testing.T) {
	t.Parallel()
	const file = "../../protocol/testdata/recovery.json"
	type vector struct {
		Seed   string `json:"ed25519_seed"`
		Public string `json:"public_key"`
		Words  string `json:"words"`
	}
	var all []vector
	for _, n := range []byte{0, 1, 2, 0x80, 0xff} {
		k := seeded(n)
		all = append(all, vector{hex.EncodeToString(k.Seed()), hex.EncodeToString(k[ed25519.SeedSize:]), strings.Join(Sheet(k), " ")})
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != string(raw) {
		t.Errorf("%s differs (%v): go test ./network/recovery -update writes it anew", file, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(strings.Join(Sheet(seeded(1)), " "))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text)
		if err == nil && Sheet(k) == nil {
			t.Error("no words")
		}
	})
}
