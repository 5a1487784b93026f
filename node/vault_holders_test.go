package node_test

import (
	"bytes"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
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

// An owner that answers with another record than the one that was asked for is noticed: of another
// file, of another version than the one named, or of this file with a part exchanged.
func TestLyingOwnersAreNoticed(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	first := p.put(p.nodes[0], "a", bytesOf(1, 100))
	p.put(p.nodes[0], "b", bytesOf(2, 100))
	honest := p.client()
	var of [2]*pb.Record // of the files
	for i, name := range []string{"a", "b"} {
		c := p.client()
		c.AnswerWith(func(g *pb.Got) *pb.Record {
			of[i] = proto.CloneOf(g.GetRecord())
			return g.GetRecord()
		})
		p.get(c, name)
	}
	second := p.put(p.nodes[0], "a", bytesOf(3, 100))
	if first.Version == second.Version || of[0] == nil || of[1] == nil {
		t.Fatal("the test has no records")
	}
	for what, answer := range map[string]func(*pb.Got) *pb.Record{
		"the record of another file": func(*pb.Got) *pb.Record { return of[1] },
		"the signature of another": func(g *pb.Got) *pb.Record {
			return &pb.Record{Body: g.GetRecord().GetBody(), Signature: of[0].GetSignature()}
		},
		"the body of another": func(g *pb.Got) *pb.Record {
			return &pb.Record{Body: of[1].GetBody(), Signature: g.GetRecord().GetSignature()}
		},
	} {
		liar := p.client()
		liar.AnswerWith(answer)
		if _, err := liar.Get(t.Context(), "a", node.GetOptions{}); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%s: %v", what, err)
		}
	}
	liar := p.client()
	liar.AnswerWith(func(*pb.Got) *pb.Record { return of[0] })
	if _, err := liar.Get(t.Context(), "a", node.GetOptions{Version: second.Version}); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("an earlier version for the one that was named: %v", err)
	}
	f, err := honest.Get(t.Context(), "a", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, bytesOf(3, 100)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
