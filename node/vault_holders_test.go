package node_test

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/quorum"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Members of an earlier version list encrypted files, too, without their descriptions.
func TestListsOfEarlierMembers(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	p.put(p.nodes[0], "docs/a.txt", []byte("a"))
	p.put(p.nodes[1], "docs/b.txt", []byte("b"))
	client := p.client()
	client.AskEarlierMembers()
	var names []string
	for f, err := range client.List(t.Context(), "docs/") {
		if err != nil {
			t.Fatal(err)
		}
		if f.Hash != hashText([]byte(f.Name[5:6])) {
			t.Errorf("%+v", f)
		}
		names = append(names, f.Name)
	}
	if len(names) != 2 || names[0] != "docs/a.txt" || names[1] != "docs/b.txt" {
		t.Errorf("%q", names)
	}
}

// A member that answers with another record than the one that was asked for is noticed: of another
// file, of another version than the one named, or of this file with a part exchanged. If the owner
// alone does that, the reader gets the file from another holder. If all members do, it gets
// nothing.
func TestLyingOwnersAreNoticed(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	first := p.put(p.nodes[0], "a", bytesOf(1, 100))
	p.put(p.nodes[0], "b", bytesOf(2, 100))
	var of [2]*pb.Record // of the files
	var owner peer.ID    // of the first
	for i, name := range []string{"b", "a"} {
		c := p.client()
		c.AnswerWith(func(from peer.ID, g *pb.Got) *pb.Record {
			of[1-i], owner = proto.CloneOf(g.GetRecord()), from
			return g.GetRecord()
		})
		p.get(c, name)
	}
	second := p.put(p.nodes[0], "a", bytesOf(3, 100))
	if first.Version == second.Version || of[0] == nil || of[1] == nil {
		t.Fatal("the test has no records")
	}
	for _, lie := range []struct {
		what   string
		answer func(*pb.Got) *pb.Record
		opt    node.GetOptions
	}{
		{what: "the record of another file", answer: func(*pb.Got) *pb.Record { return of[1] }},
		{what: "the signature of another", answer: func(g *pb.Got) *pb.Record {
			return &pb.Record{Body: g.GetRecord().GetBody(), Signature: of[0].GetSignature()}
		}},
		{what: "the body of another", answer: func(g *pb.Got) *pb.Record {
			return &pb.Record{Body: of[1].GetBody(), Signature: g.GetRecord().GetSignature()}
		}},
		{
			what: "an earlier version for the one that was named", answer: func(*pb.Got) *pb.Record { return of[0] },
			opt: node.GetOptions{Version: second.Version},
		},
	} {
		told, deceived := p.client(), p.client()
		var lies atomic.Int64
		told.AnswerWith(func(from peer.ID, g *pb.Got) *pb.Record {
			if from != owner {
				return g.GetRecord()
			}
			lies.Add(1)
			return lie.answer(g)
		})
		deceived.AnswerWith(func(_ peer.ID, g *pb.Got) *pb.Record { return lie.answer(g) })
		t.Run(lie.what, func(t *testing.T) {
			t.Parallel()
			f, err := told.Get(t.Context(), "a", lie.opt)
			if err != nil {
				t.Fatalf("the owner lies: %v", err)
			}
			defer func() { _ = f.Close() }()
			if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, bytesOf(3, 100)) || lies.Load() == 0 {
				t.Errorf("the owner lies: %d bytes, %v, after %d lies", len(got), err, lies.Load())
			}
			_, err = deceived.Get(t.Context(), "a", lie.opt)
			var c *quorum.Conflict
			if fault.CodeOf(err) != fault.TryAgain || !errors.As(err, &c) || c.Owner != owner || c.Other == "" || c.Other == owner {
				t.Errorf("all members lie: %v, want a conflict of the owner %s with another", err, owner)
			}
		})
	}
}
