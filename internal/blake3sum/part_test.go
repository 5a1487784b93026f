package blake3sum

import (
	"encoding/hex"
	"testing"

	"github.com/zeebo/blake3"
)

// Parts that are hashed one by one have the hash of the whole, whatever the number and the sizes.
func TestParts(t *testing.T) {
	t.Parallel()
	for _, size := range []int{PartSize, 4 * PartSize} {
		for parts := 1; parts <= 9; parts++ {
			for _, last := range []int{1, 1000, 1024, 1025, size/2 + 1, size - 1, size} {
				data := random((parts-1)*size + last)
				var chains [][Size]byte
				var p Part
				for at := 0; at < len(data); at += size {
					p.Reset(int64(at))
					part := data[at:min(at+size, len(data))]
					_, _ = p.Write(part[:len(part)/3])
					_, _ = p.Write(part[len(part)/3:])
					chains = append(chains, p.Chain())
				}
				got := p.Sum()
				if chain, sum := p.Both(); chain != p.Chain() || sum != got {
					t.Error("both are others than one by one")
				}
				if parts > 1 {
					got = Join(chains)
				}
				if got != Sum(data) {
					t.Errorf("%d parts of %d bytes, the last of %d: another hash", parts, size, last)
				}
			}
		}
	}
}

// One part at two places, and two parts at one place, have different chaining values.
func TestPartsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[[Size]byte]bool{}
	var p Part
	for _, offset := range []int64{0, PartSize, 2 * PartSize} {
		for _, n := range []int{1, 64, 1024, 2048, PartSize} {
			p.Reset(offset)
			_, _ = p.Write(make([]byte, n))
			if seen[p.Chain()] {
				t.Errorf("%d zeros at %d have the chaining value of something else", n, offset)
			}
			seen[p.Chain()] = true
		}
	}
}

// Keys and hashes of all lengths are those of the reference.
func TestKeyedAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	key := Sum([]byte("key"))
	for _, n := range []int{0, 1, 32, 63, 64, 65, 128, 1000, 1023, 1024, 1025, 3000} {
		data := random(n)
		h, err := blake3.NewKeyed(key[:])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = h.Write(data)
		var want, derived [Size]byte
		h.Sum(want[:0])
		if Keyed(key, data) != want {
			t.Errorf("the keyed hash of %d bytes differs", n)
		}
		blake3.DeriveKey("context", data, derived[:])
		if Derive("context", data) != derived {
			t.Errorf("the key that is derived from %d bytes differs", n)
		}
	}
}

// The first derived key of the vectors that BLAKE3's authors publish, which is that of nothing.
func TestDerive(t *testing.T) {
	t.Parallel()
	got := Derive("BLAKE3 2019-12-27 16:29:52 test vectors context", nil)
	if want := "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d"; hex.EncodeToString(got[:]) != want {
		t.Errorf("%x, want %s", got, want)
	}
}
