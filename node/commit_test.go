package node_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// largeFile signs the record of a file of blocks whose bytes are data, in blocks of 64 KiB, and of
// its later blocks.
func (s *stranger) largeFile(name string, data []byte, clock uint64) (file *pb.Record, later []*pb.Record) {
	const size = 64 << 10
	whole := blake3sum.Sum(data)
	body := &pb.RecordBody{Name: name, Clock: clock, Size: uint64(len(data)), Hash: whole[:], BlockSize: size}
	for i := 0; i*size < len(data); i++ {
		block := data[i*size : min((i+1)*size, len(data))]
		sum := blake3sum.Sum(block)
		body.Blocks = append(body.Blocks, sum[:]...)
		if i > 0 {
			later = append(later, s.sign(&pb.RecordBody{Name: name, Index: uint32(i), Clock: clock, Size: uint64(len(block)), Hash: sum[:]})) //nolint:gosec // small
		}
	}
	return s.sign(body), later
}

// atOwner asks all nodes until one is the owner.
func (c *cluster) atOwner(s *stranger, req *pb.FileRequest, body []byte) (resp *pb.FileResponse, err error) {
	for _, n := range c.nodes {
		if resp, err = s.ask(c.t.Context(), n, req, body); fault.CodeOf(err) != fault.NotOwner {
			break
		}
	}
	return resp, err
}

// A file is committed only when its later blocks are held, in the copies that were promised.
func TestCommitNeedsTheBlocks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	s := c.newStranger()
	data := bytesOf(7, 5*64<<10)
	file, later := s.largeFile("x", data, protocol.Clock(time.Now()))
	block := func(i int) []byte { return data[i*64<<10 : (i+1)*64<<10] }
	for put := range len(later) + 1 {
		resp, err := c.atOwner(s, putOf(file), block(0))
		if missing := resp.GetStored().GetMissing(); put < len(later) && (fault.CodeOf(err) != fault.NotAllowed || len(missing) != len(later)-put || slices.Contains(missing, uint32(put))) { //nolint:gosec // small
			t.Fatalf("the file with %d of its later blocks: %v, missing %v", put, err, missing)
		} else if put == len(later) {
			if err != nil || resp.GetStored().GetCopies() < 2 {
				t.Fatalf("the file with all of its blocks: %v, %d copies", err, resp.GetStored().GetCopies())
			}
			break
		}
		if _, err := c.nodes[0].Stat(t.Context(), "x"); fault.CodeOf(err) != fault.NotFound {
			t.Fatalf("a file without its blocks is there: %v", err)
		}
		if _, err := c.atOwner(s, putOf(later[put]), block(put+1)); err != nil {
			t.Fatal(err)
		}
	}
	c.readable(map[string][]byte{"x": data})
}

// Nobody gives up another's blocks; and when a stranger has made them go all the same, by putting
// the same ones as his, the file is not acknowledged.
func TestStrangersGiveUpBlocks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	s := c.newStranger()
	data := bytesOf(8, 3*node.DefaultBlockSize)
	gaveUp := false
	attack := sync.OnceFunc(func() {
		for i := uint32(1); i <= 2; i++ {
			var theirs *pb.Record
			for _, n := range c.nodes {
				if theirs = n.RecordAt("x", i); theirs != nil {
					break
				}
			}
			parsed, err := protocol.VerifyRecord(theirs)
			if err != nil {
				t.Error(err)
				return
			}
			forged := s.sign(&pb.RecordBody{Name: "x", Index: i, Clock: parsed.GetClock(), Size: parsed.GetSize(), Hash: parsed.GetHash()})
			for _, n := range c.nodes {
				told := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{theirs}, Told: true}}}
				if _, err := s.ask(t.Context(), n, told, nil); fault.CodeOf(err) != fault.NotAllowed {
					t.Errorf("a stranger passes on that a block is given up: %v", err)
				}
				own := &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{forged}}}}
				if _, err := s.ask(t.Context(), n, own, nil); err != nil {
					t.Errorf("a stranger gives up a record of its own: %v", err)
				}
			}
		}
		for _, n := range c.nodes {
			if err := n.CollectAll(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		}
		for i := uint32(1); i <= 2; i++ {
			held := 0
			for _, n := range c.nodes {
				if n.RecordAt("x", i) != nil {
					held++
				}
			}
			if held < 2 {
				t.Errorf("block %d of another writer is at %d nodes", i, held)
			}
		}
		// Put the first of them anew, as one's own, and give that up.
		sum := blake3sum.Sum(data[node.DefaultBlockSize : 2*node.DefaultBlockSize])
		mine := s.sign(&pb.RecordBody{Name: "x", Index: 1, Clock: protocol.Clock(time.Now()) + 1<<20, Size: node.DefaultBlockSize, Hash: sum[:]})
		put := putOf(mine)
		put.Offer = true
		if _, err := c.atOwner(s, put, data[node.DefaultBlockSize:2*node.DefaultBlockSize]); err != nil {
			t.Error(err)
		}
		for _, n := range c.nodes {
			_, _ = s.ask(t.Context(), n, &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{mine}}}}, nil)
		}
		c.eventually("the block is gone", func() string {
			for _, n := range c.nodes {
				if n.RecordAt("x", 1) != nil {
					return "it is still there"
				}
			}
			return ""
		})
		gaveUp = true
	})
	c.nodes[0].Through(func(_ context.Context, _ peer.ID, req *pb.FileRequest) error {
		if put := req.GetPut(); put != nil {
			if rec, err := protocol.VerifyRecord(put.GetRecord()); err == nil && rec.GetIndex() == 0 {
				attack()
			}
		}
		return nil
	})
	_, err := c.nodes[0].Put(t.Context(), "x", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
	if !gaveUp || fault.CodeOf(err) != fault.TryAgain {
		t.Fatalf("a put whose block has gone: %v, want that it is to be tried again", err)
	}
	if _, err := c.nodes[1].Stat(t.Context(), "x"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a file without one of its blocks is there: %v", err)
	}
	c.put(c.nodes[0], "x", data) // what is missing is sent anew
	c.readable(map[string][]byte{"x": data})
}
