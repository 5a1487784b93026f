package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A member may hand over more versions of a file, and larger ones, than an answer may name. The
// file can be read, shown and deleted.
func TestMoreSiblingsThanAnAnswerMayHave(t *testing.T) {
	t.Parallel()
	// checking so large records takes long with the race detector
	nodes := hungRing(t, 8*time.Second)
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := uint64(time.Now().UnixMilli()) << 16
	sum := blake3sum.Sum([]byte("x"))
	small := func(i int) *pb.RecordBody {
		return &pb.RecordBody{Name: "small", Clock: now + uint64(i), Size: 1, Hash: sum[:], BlockSize: DefaultBlockSize, Blocks: sum[:]}
	}
	large := func(i int) *pb.RecordBody {
		return &pb.RecordBody{
			Name: "large", Clock: now + uint64(i), Size: 30000 * DefaultBlockSize, Hash: sum[:], BlockSize: DefaultBlockSize, Blocks: bytes.Repeat(sum[:], 30000),
		}
	}
	for _, c := range []struct {
		name  string
		count int
		body  func(int) *pb.RecordBody
	}{{"small", protocol.MaxSiblings + 4, small}, {"large", 5, large}} {
		for i := range c.count {
			m, err := protocol.Sign(key, c.body(i))
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range nodes {
				if err := n.Keep(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, n := range nodes {
			f, err := n.Get(t.Context(), c.name, GetOptions{})
			if err != nil {
				t.Fatalf("get %s by node %d: %v", c.name, i, err)
			}
			_ = f.Close()
			if _, err := n.Stat(t.Context(), c.name); err != nil {
				t.Errorf("stat %s by node %d: %v", c.name, i, err)
			}
			// A holder must not take a version that is left out for none.
			if v, err := versions(t, n, c.name); err == nil && len(v) != min(c.count, 1+protocol.MaxSiblings) {
				t.Errorf("a holder is told of %d versions of %s, and there are %d", len(v), c.name, c.count)
			}
		}
		if err := nodes[0].Remove(t.Context(), c.name); err != nil {
			t.Errorf("rm %s: %v", c.name, err)
		}
		if _, err := nodes[1].Get(t.Context(), c.name, GetOptions{}); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("get %s after rm: %v", c.name, err)
		}
	}
}

// versions are what the owner of a file tells a holder that asks which of them use a block.
func versions(t *testing.T, n *Node, name string) (all []*pb.Record, err error) {
	t.Helper()
	err = n.transfer.Owners().At(t.Context(), protocol.Place(name, 0), func(ctx context.Context, to peer.ID) error {
		r, err := n.replicas.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: name, Tombstone: true}}}, nil)
		if err == nil {
			defer r.Close()
			all = append([]*pb.Record{r.GetGot().GetRecord()}, r.GetGot().GetSiblings()...)
		}
		return err
	})
	return all, err
}
