package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// hostOf is where a node of the lab runs.
type hostOf struct{ netns, ip string }

// startIn starts a node on a host of the lab.
func (r *theRing) startIn(l *lab, side, address string) hostOf {
	r.t.Helper()
	var h hostOf
	h.netns, h.ip = l.host(side)
	r.nodes = append(r.nodes, r.startOn(h, address))
	return h
}

// startOn starts a node on a host, again with its folder when it has been there before.
func (r *theRing) startOn(h hostOf, address string) *process {
	r.t.Helper()
	p := startProcessIn(r.t, h.netns, filepath.Join(r.dir, strings.ReplaceAll(address, ":", "-")),
		"node", "--ring-address", address, "--listen", "/ip4/"+h.ip+"/tcp/4701", "--bootstrap", r.boot.addrs[0], "--mdns=false", "--no-prompt")
	p.address = address
	return p
}

// try puts text until it is acknowledged.
func (r *theRing) try(p *process, name, text string) {
	r.t.Helper()
	waitFor(r.t, fmt.Sprintf("put %q at %s", name, p.address), func() error {
		_, err := p.api().Put(r.t.Context(), name, strings.NewReader(text), node.PutOptions{Size: int64(len(text))})
		return err
	})
}

// text reads a small file.
func text(p *process, name string, o node.GetOptions) (string, error) {
	f, err := p.api().Get(p.t.Context(), name, o)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(f)
	return string(b), errors.Join(err, f.Close())
}

// TestPartition cuts a ring of eight nodes into five and three, writes on both sides, once under
// the same name, and restores the link. In the end there is one ring with every file, and with the
// same winner and sibling at every node.
func TestPartition(t *testing.T) {
	l := newLab(t, "p2pcut")
	r := &theRing{t: t, files: map[string]file{}, dir: t.TempDir()}
	netns, ip := l.host("a")
	r.boot = startProcessIn(t, netns, filepath.Join(r.dir, "bootstrap"), "bootstrap", "--listen", "/ip4/"+ip+"/tcp/4700")
	for i := range 8 {
		side := "a"
		if i%3 == 2 || i == 0 {
			side = "b"
		}
		r.startIn(l, side, fmt.Sprintf("localhost:%d", 8001+i))
	}
	r.settled()
	b, a := []*process{r.nodes[0], r.nodes[2], r.nodes[5]}, []*process{r.nodes[1], r.nodes[3], r.nodes[4], r.nodes[6], r.nodes[7]}
	r.try(a[0], "shared", "before")
	for i := range 40 {
		r.try(r.nodes[i%8], fmt.Sprintf("before/%d", i), fmt.Sprint("before ", i))
	}

	length := 15 * time.Second
	if os.Getenv("P2PCHORD_LONG") != "" {
		length = time.Minute
	}
	l.cut()
	cut := time.Now()
	for side, nodes := range map[string][]*process{"a": a, "b": b} {
		for i := range 20 {
			r.try(nodes[i%len(nodes)], fmt.Sprintf("during/%s/%d", side, i), fmt.Sprint("during ", side, i))
		}
		r.try(nodes[0], "shared", "by side "+side)
	}
	t.Logf("both sides took writes %s after the cut", time.Since(cut).Round(time.Millisecond))
	waitFor(t, "the cut has lasted", func() error {
		if left := length - time.Since(cut); left > 0 {
			return fmt.Errorf("%s left", left)
		}
		return nil
	})
	l.heal()
	healed := time.Now()
	r.settled()
	t.Logf("one ring %s after the link was back", time.Since(healed).Round(time.Millisecond))
	want := map[string]string{}
	for i := range 40 {
		want[fmt.Sprintf("before/%d", i)] = fmt.Sprint("before ", i)
	}
	for i := range 20 {
		for _, side := range []string{"a", "b"} {
			want[fmt.Sprintf("during/%s/%d", side, i)] = fmt.Sprint("during ", side, i)
		}
	}
	// A record whose owner was on the other side all the time reaches it from the nodes that find
	// it to be a stray.
	waitFor(t, "all files of both sides are there", func() error {
		for name, content := range want {
			for _, p := range r.nodes {
				if got, err := text(p, name, node.GetOptions{}); err != nil || got != content {
					return fmt.Errorf("%q through %s: %q, %w; want %q", name, p.address, got, err, content)
				}
			}
		}
		return nil
	})
	t.Logf("all files of both sides through every node %s after the link was back", time.Since(healed).Round(time.Millisecond))
	waitFor(t, "one winner and one sibling everywhere", func() error { return r.oneWinner("shared") })
}

// oneWinner checks that every node shows the same winner of a name and one sibling, which can be
// read.
func (r *theRing) oneWinner(name string) error {
	var winner string
	for _, p := range r.nodes {
		got, err := text(p, name, node.GetOptions{})
		if err != nil || (winner != "" && got != winner) {
			return fmt.Errorf("the winner through %s is %q, %w; elsewhere %q", p.address, got, err, winner)
		}
		winner = got
		st, err := p.api().Stat(r.t.Context(), name)
		if err != nil || len(st.Siblings) != 1 {
			return fmt.Errorf("stat through %s: %+v, %w; want one sibling", p.address, st, err)
		}
		loser, err := text(p, name, node.GetOptions{Version: st.Siblings[0].Version})
		if err != nil || loser == winner || !strings.HasPrefix(loser, "by side ") {
			return fmt.Errorf("the sibling through %s: %q, %w", p.address, loser, err)
		}
	}
	return nil
}
