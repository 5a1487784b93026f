package node_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// asked is what a reader has asked for a file's record.
type asked struct {
	mu   sync.Mutex
	what []string
	// to a question for the witness's vote; nil to let it through
	answer func(ctx context.Context) error
}

func (a *asked) see(ctx context.Context, _ peer.ID, req *pb.FileRequest) error {
	answer := a.note(req)
	if answer == nil {
		return nil
	}
	return answer(ctx)
}

// note takes a request down, and returns what answers it here; nil when nothing does.
func (a *asked) note(req *pb.FileRequest) func(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r := req.GetBody().(type) {
	case *pb.FileRequest_Get:
		switch {
		case r.Get.GetHeld():
			a.what = append(a.what, "held")
		case r.Get.GetUnconfirmed():
			a.what = append(a.what, "get, with the vote")
		default:
			a.what = append(a.what, "get")
		}
	case *pb.FileRequest_Word:
		a.what = append(a.what, "vote")
		return a.answer
	}
	return nil
}

func (a *asked) answerWith(answer func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

// take returns what has been asked since the last time, sorted.
func (a *asked) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.what
	a.what = nil
	slices.Sort(out)
	return out
}

type reader interface {
	getter
	Through(func(context.Context, peer.ID, *pb.FileRequest) error)
}

// A reader that is neither the owner nor its witness asks both at the same time, once it knows
// them, be it a member or not. When the witness gives it no good vote, the owner has to ask the
// witness, and another holder has to show the same version.
func TestReadersAskBoth(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	owner := c.nodes[0]
	name := c.nameOwnedBy(owner, "both")
	data := bytes.Repeat([]byte("both "), 1000)
	c.put(owner, name, data)
	var third, witness *node.Node
	for _, n := range c.nodes {
		switch {
		case c.successorOf(n) == owner:
			witness = n
		case n != owner:
			third = n
		}
	}
	others := c.nameOwnedBy(witness, "others")
	c.put(owner, others, data)
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	refused := func(context.Context) error { return fault.New(fault.Refused, "no") }
	for who, r := range map[string]reader{"a member": third, "a passing client": c.passing(node.ClientConfig{})} {
		c.get(r, others)
		a := &asked{}
		r.Through(a.see)
		for i, want := range [][]string{
			{"get, with the vote", "vote"}, // one after the other: the owner names its witness
			{"get, with the vote", "vote"},
			{"get, with the vote", "vote"},
			{"get", "get, with the vote", "held", "held", "vote", "vote"}, // refused
			{"get, with the vote", "vote"},
			{"get", "get, with the vote", "held", "held", "vote", "vote"}, // no answer
		} {
			a.answerWith(map[int]func(context.Context) error{3: refused, 5: never}[i])
			if got := c.get(r, name); !bytes.Equal(got, data) {
				t.Fatalf("%s, get %d: %d bytes came of %d", who, i, len(got), len(data))
			}
			if got := a.take(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, get %d: asked %q, want %q", who, i, got, want)
			}
		}
	}
}

// A read leaves nothing running: it ends its question to the witness, and waits for that end.
func TestAReadAwaitsItsQuestionToTheWitness(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	owner := c.nodes[0]
	name := c.nameOwnedBy(owner, "awaited")
	c.put(owner, name, []byte("x"))
	i := slices.IndexFunc(c.nodes, func(n *node.Node) bool { return n != owner && c.successorOf(n) != owner })
	reader, a := c.nodes[i], &asked{}
	reader.Through(a.see)
	c.get(reader, name) // learns who the witness is
	var running atomic.Int32
	asking := make(chan struct{}, 1)
	a.answerWith(func(ctx context.Context) error {
		running.Add(1)
		defer running.Add(-1)
		select {
		case asking <- struct{}{}:
		default: // it is asked twice
		}
		<-ctx.Done()
		time.Sleep(200 * time.Millisecond) // what has been ended may take a while to end
		return ctx.Err()
	})
	c.get(reader, name)
	if <-asking; running.Load() != 0 {
		t.Error("the question still runs after the read")
	}
}

// Nobody but the witness gives its vote.
func TestWhoGivesTheVote(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	owner := c.nodes[0]
	name := c.nameOwnedBy(owner, "vote")
	c.put(owner, name, []byte("x"))
	for _, n := range c.nodes {
		if got, want := n.GivesVote(name, owner), c.successorOf(n) == owner; got != want {
			t.Errorf("a node whose successor is the owner (%v) gives its vote: %v", want, got)
		}
	}
}
