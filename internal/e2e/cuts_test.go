//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/node"
)

// written is what one user knows about a name that only this user writes.
type written struct {
	acked   string   // what was acknowledged last; empty: nothing, or a delete
	maybe   []string // sent afterwards without an answer; "" is a delete
	touched bool     // anything was acknowledged at all
}

// scribe writes names of its own through any node that it reaches.
type scribe struct {
	id    int
	ring  func() []*process
	names map[string]*written
}

// work puts new names, overwrites and removes its old ones until ctx ends.
func (s *scribe) work(ctx context.Context, parent context.Context) {
	rng := rand.New(rand.NewPCG(uint64(s.id), 7))
	for seq := 0; ctx.Err() == nil; seq++ {
		name := fmt.Sprintf("cuts/%d/%d", s.id, rng.IntN(40))
		w := s.names[name]
		if w == nil {
			w = &written{}
			s.names[name] = w
		}
		nodes := s.ring()
		api, err := client.Dial(parent, filepath.Join(nodes[rng.IntN(len(nodes))].data, "api.sock"), 30*time.Second)
		if err != nil {
			continue
		}
		value := ""
		if !w.touched || rng.IntN(5) > 0 {
			value = fmt.Sprintf("%d.%d", s.id, seq)
		}
		op, cancel := context.WithTimeout(parent, 20*time.Second)
		if value == "" {
			err = api.Remove(op, name)
		} else {
			_, err = api.Put(op, name, strings.NewReader(value), node.PutOptions{Size: int64(len(value))})
		}
		cancel()
		_ = api.Close()
		switch {
		case err == nil || errors.Is(err, node.ErrFewerCopies):
			w.acked, w.maybe, w.touched = value, nil, true
		case value == "" && errors.Is(err, node.ErrNotFound): // on this side of a cut
		default:
			w.maybe = append(w.maybe, value)
		}
	}
}

// verify compares what the ring has with what was acknowledged.
func (s *scribe) verify(ctx context.Context, p *process) error {
	api := p.api()
	for name, w := range s.names {
		if !w.touched {
			continue
		}
		st, err := api.Stat(ctx, name)
		if err != nil && !errors.Is(err, node.ErrNotFound) {
			return fmt.Errorf("%q through %s: %w", name, p.address, err)
		}
		var has []string
		if err == nil {
			versions := []string{""}
			for _, sibling := range st.Siblings {
				versions = append(versions, sibling.Version)
			}
			for _, v := range versions {
				content, err := text(p, name, node.GetOptions{Version: v})
				if err != nil {
					return fmt.Errorf("%q, version %q, through %s: %w", name, v, p.address, err)
				}
				has = append(has, content)
			}
		}
		if err := w.agrees(has); err != nil {
			return fmt.Errorf("%q through %s: %w", name, p.address, err)
		}
	}
	return nil
}

// agrees: what was acknowledged last is there, as winner or sibling, unless something sent later
// may have replaced it.
func (w *written) agrees(has []string) error {
	if len(w.maybe) > 0 {
		return nil // any of it may have come after, and replaced what was acknowledged
	}
	for _, h := range has {
		if h == w.acked {
			return nil
		}
	}
	if w.acked == "" && len(has) == 0 {
		return nil
	}
	return fmt.Errorf("%q was acknowledged, there is %q", w.acked, has)
}

// TestChaosWithCuts writes on both sides of a link that is cut and restored, while nodes are killed
// and restarted. In the end every acknowledged write is still there. P2PCHORD_CHAOS sets the
// duration, such as "10m".
func TestChaosWithCuts(t *testing.T) {
	length, size := 25*time.Second, 6
	if s := os.Getenv("P2PCHORD_CHAOS"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
		size = 12
	}
	l := newLab(t, "p2pchaos")
	r := &theRing{t: t, files: map[string]file{}, dir: t.TempDir()}
	netns, ip := l.host("a")
	r.boot = startProcessIn(t, netns, filepath.Join(r.dir, "bootstrap"), "bootstrap", "--listen", "/ip4/"+ip+"/tcp/4700")
	var mu sync.Mutex
	places := map[string]hostOf{}
	for i := range size {
		side := []string{"a", "b"}[i%2]
		address := fmt.Sprintf("localhost:%d", 9501+i)
		places[address] = r.startIn(l, side, address)
	}
	r.settled()
	ring := func() []*process {
		mu.Lock()
		defer mu.Unlock()
		return append([]*process(nil), r.nodes...)
	}
	meter, ended := newMeter(), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { meter.run(ended, ring) })

	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	scribes := make([]*scribe, 4)
	var users sync.WaitGroup
	for i := range scribes {
		scribes[i] = &scribe{id: i, ring: ring, names: map[string]*written{}}
		users.Go(func() { scribes[i].work(ctx, t.Context()) })
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3))
	start := time.Now()
	cuts := 0
	for ctx.Err() == nil {
		pause(ctx, time.Duration(rng.IntN(3000))*time.Millisecond)
		t.Logf("%s cut", time.Since(start).Round(time.Millisecond))
		cuts++
		l.cut()
		pause(ctx, time.Duration(rng.IntN(15_000))*time.Millisecond)
		if rng.IntN(2) == 0 {
			p := ring()[rng.IntN(size)]
			t.Logf("%s kill %s", time.Since(start).Round(time.Millisecond), p.address)
			p.kill()
			l.heal()
			n := r.startOn(places[p.address], p.address)
			mu.Lock()
			for i := range r.nodes {
				if r.nodes[i] == p {
					r.nodes[i] = n
				}
			}
			mu.Unlock()
		}
		l.heal()
		t.Logf("%s healed", time.Since(start).Round(time.Millisecond))
		r.settled()
	}
	users.Wait()
	close(ended)
	watching.Wait()
	names := 0
	for _, p := range r.nodes {
		for _, s := range scribes {
			waitFor(t, "what was acknowledged is there", func() error { return s.verify(t.Context(), p) })
		}
	}
	for _, s := range scribes {
		names += len(s.names)
	}
	meter.check(t)
	t.Logf("%d names written through %d cuts", names, cuts)
}
