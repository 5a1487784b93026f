package blake3sum

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/blake3"
)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// Every length around the edges of chunks, groups and subtrees, whole and in parts.
func TestAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	lengths := []int{0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 3000, 16383}
	for groups := 1; groups <= 9; groups++ {
		for _, d := range []int{-1025, -1, 0, 1, 1024, 5000} {
			lengths = append(lengths, groups*group+d)
		}
	}
	lengths = append(lengths, 1<<20, 1<<20+1, 3<<20+12345, 4<<20)
	for _, n := range lengths {
		data := random(n)
		want := blake3.Sum256(data)
		if got := Sum(data); got != want {
			t.Errorf("%d bytes at once: %x, want %x", n, got, want)
		}
		for _, step := range []int{1000, group, group + 1, 100_000} {
			var h Hasher
			_, _ = h.Write([]byte("something before"))
			h.Reset()
			for rest := data; len(rest) > 0; {
				k := min(step, len(rest))
				_, _ = h.Write(rest[:k])
				rest = rest[k:]
			}
			if got := h.Sum(); got != want {
				t.Errorf("%d bytes by %d: %x, want %x", n, step, got, want)
			}
		}
	}
}

// The keyed hash of nothing, of the vectors that BLAKE3's authors publish.
func TestKeyed(t *testing.T) {
	t.Parallel()
	got := Keyed([KeySize]byte([]byte("whats the Elvish word for friend")), nil)
	if want := "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"; hex.EncodeToString(got[:]) != want {
		t.Errorf("%x, want %s", got, want)
	}
}

func BenchmarkSum(b *testing.B) {
	data := random(4 << 20)
	for name, sum := range map[string]func([]byte) [32]byte{"here": Sum, "zeebo": blake3.Sum256} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				sum(data)
			}
		})
	}
}
