package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/liar"
	"github.com/p2pchord/p2pchord/node"
)

// One of five members lies. Of a thousand gets at the others, and by a client that is no member,
// none is answered with an old version, with "no such file" of a file that is there, or with one
// that was deleted. When a member joins meanwhile, nothing is lost.
func TestOneLiarOfFive(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 5)
	var l *liar.Liar
	c.nodes[0].AnswerFiles(func(honest liar.Handler) liar.Handler {
		l = liar.New(honest, rand.IntN)
		return l.Serve
	})
	want := make(map[string][]byte) // nil of what is not there
	var names []string
	for i := range 40 {
		owner := c.nodes[0] // of half of them the liar is the owner, of the others the witness
		if i%2 > 0 {
			owner = c.successorOf(owner)
		}
		name := c.nameOwnedBy(owner, fmt.Sprintf("file-%d-", i))
		names = append(names, name)
		if i%5 == 4 {
			want[name] = nil // has never been there
			continue
		}
		for version := range 3 {
			want[name] = fmt.Appendf(nil, "version %d of %s", version, name)
			c.put(c.nodes[1+(i+version)%4], name, want[name])
		}
		if i%5 == 3 {
			if err := c.nodes[1+i%4].Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			want[name] = nil
		}
	}
	l.Lie(true)
	readers := []getter{c.nodes[1], c.nodes[2], c.nodes[3], c.nodes[4], c.passing(node.ClientConfig{})}
	var right, untold, wrong atomic.Int64
	var wg sync.WaitGroup
	const gets = 1000
	for worker := range 5 {
		wg.Go(func() {
			for i := worker; i < gets; i += 5 {
				name := names[i%len(names)]
				got, err := readAll(t.Context(), readers[(i/len(names)+worker)%len(readers)], name)
				switch code := fault.CodeOf(err); {
				case code == fault.TryAgain:
					untold.Add(1)
					t.Logf("get %d: %v", i, err)
				case err == nil && want[name] != nil && bytes.Equal(got, want[name]), code == fault.NotFound && want[name] == nil:
					right.Add(1)
				default:
					wrong.Add(1)
					t.Errorf("%s: got %q, %v, want %q", name, got, err, want[name])
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d right, %d without an answer, %d wrong", right.Load(), untold.Load(), wrong.Load())
	if right.Load() < gets*9/10 {
		t.Errorf("only %d of %d gets were answered", right.Load(), gets)
	}
	for _, k := range []liar.Kind{liar.Absent, liar.Old, liar.Refusal} {
		t.Logf("%q was told %d times", k, l.Told(k))
		if l.Told(k) == 0 {
			t.Errorf("%q was never told", k)
		}
	}
	health := func(n *node.Node) string { return fmt.Sprint(c.status(n).Ring.Problems) }
	if id := c.nodes[0].PeerID(); !slices.ContainsFunc(c.nodes[1:], func(n *node.Node) bool { return strings.Contains(health(n), id) }) {
		t.Error("no node's health names the liar")
	}
	c.start(node.Config{})
	l.Lie(false)
	for _, name := range names {
		if want[name] != nil && !bytes.Equal(c.get(c.nodes[2], name), want[name]) {
			t.Errorf("%s is not what it was", name)
		}
	}
}

func readAll(ctx context.Context, from getter, name string) ([]byte, error) {
	f, err := from.Get(ctx, name, node.GetOptions{})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}
