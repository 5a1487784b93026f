package node_test

import (
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// TestBytesAreCheckedThoughHeld checks that the bytes of a put are those of its record, whether or
// not their owner holds them already.
func TestBytesAreCheckedThoughHeld(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	owner, s := c.nodes[0], c.newStranger()
	small, large := bytesOf(1, 3000), bytesOf(2, protocol.MaxImmediateBody+1)
	c.put(owner, "small", small)
	c.put(owner, "large", large)
	changed := func(b []byte) []byte {
		out := append([]byte(nil), b...)
		out[len(out)/2] ^= 1
		return out
	}
	now := protocol.Clock(time.Now())
	block := func(size int) *pb.Record {
		sum := blake3sum.Sum(small)
		return s.sign(&pb.RecordBody{Name: "block", Index: 1, Clock: now, Size: uint64(size), Hash: sum[:]})
	}
	sizeOfAnother := func(size int) *pb.Record {
		sum := blake3sum.Sum(large)
		return s.sign(&pb.RecordBody{Name: "size", Clock: now, Size: uint64(size), Hash: sum[:], BlockSize: node.DefaultBlockSize, Blocks: sum[:]})
	}
	for name, test := range map[string]struct {
		rec  *pb.Record
		body []byte
		want fault.Code
	}{
		"right, at once":             {s.file("a", small, now), small, ""},
		"right, offered":             {s.file("b", large, now), large, ""},
		"right, of a later block":    {block(len(small)), small, ""},
		"wrong bytes":                {s.file("c", small, now), changed(small), fault.Integrity},
		"too few":                    {s.file("d", small, now), small[1:], fault.Usage},
		"too many":                   {s.file("e", small, now), append(small[:len(small):len(small)], 0), fault.Usage},
		"none":                       {s.file("f", small, now), nil, fault.Usage},
		"too few offered":            {s.file("g", large, now), large[:len(large)/2], fault.Usage},
		"too many offered":           {s.file("h", large, now), append(large[:len(large):len(large)], 0), fault.Usage},
		"none of a larger block":     {s.file("i", large, now), nil, fault.Usage},
		"wrong bytes, later block":   {block(len(small)), changed(small), fault.Integrity},
		"none of a later block":      {block(len(small)), nil, fault.Usage},
		"bytes of an empty file":     {s.file("j", nil, now), small, fault.Usage},
		"another size than the held": {sizeOfAnother(len(large) + 1), append(large[:len(large):len(large)], 0), fault.Integrity},
	} {
		_, err := s.ask(t.Context(), owner, putOf(test.rec), test.body)
		if fault.CodeOf(err) != test.want {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	c.readable(map[string][]byte{"small": small, "large": large, "a": small, "b": large})
}
