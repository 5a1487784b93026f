package vault

import (
	"testing"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What a small file costs beside everything else: its keys, its salt, and its description, both
// ways.
func BenchmarkSmallFile(b *testing.B) {
	v := testVault(b, 1)
	data := pattern(4 << 10)
	hash := make([]byte, 32)
	body, _ := put(b, v.File("docs/a"), "docs/a", testClock, data)
	rec := sign(b, body, 1)
	b.Run("keys", func(b *testing.B) {
		for b.Loop() {
			v.File("docs/a")
		}
	})
	f := v.File("docs/a")
	b.Run("salt", func(b *testing.B) {
		for b.Loop() {
			f.Salt(0, [32]byte{})
		}
	})
	b.Run("stream", func(b *testing.B) {
		for b.Loop() {
			f.Stream(0, Salt{}, 0).XORKeyStream(data, data)
		}
	})
	b.Run("part", func(b *testing.B) {
		var p blake3sum.Part
		for b.Loop() {
			p.Reset(0)
			_, _ = p.Write(data)
			p.Both()
		}
	})
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if err := f.Seal(body, &pb.Description{Name: "docs/a", Size: 4 << 10, Hash: hash}, []Salt{{}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Open(rec); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tags", func(b *testing.B) {
		for b.Loop() {
			v.Tags("docs/a")
		}
	})
}
