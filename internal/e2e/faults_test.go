package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// addressesFrom is n ring addresses.
func addressesFrom(port, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("localhost:%d", port+i))
	}
	return out
}

// fill puts many small files at once.
func (r *theRing) fill(n int) {
	r.t.Helper()
	for i := range n {
		r.create(fmt.Sprintf("fill/%d", i), int64(i%7)*997)
	}
	work := make(chan string)
	var wg sync.WaitGroup
	live := r.live()
	for w := range 4 {
		wg.Go(func() {
			for name := range work {
				f, err := os.Open(r.files[name].path)
				if err != nil {
					r.t.Error(err)
					continue
				}
				if _, err := live[w%len(live)].api().Put(r.t.Context(), name, f, node.PutOptions{Size: r.files[name].size}); err != nil {
					r.t.Errorf("put %q: %v", name, err)
				}
				_ = f.Close()
			}
		})
	}
	for name := range r.files {
		work <- name
	}
	close(work)
	wg.Wait()
	if r.t.Failed() {
		r.t.FailNow()
	}
}

func TestTwoNeighborsKilledAtOnce(t *testing.T) {
	t.Parallel()
	pairs := 2
	if os.Getenv("P2PCHORD_LONG") != "" {
		pairs = 8
	}
	r := newRing(t, addressesFrom(9101, 8)...)
	r.fill(300)
	r.replicated()
	for pair := range pairs {
		var order []string // ring addresses in ring order
		for m, err := range r.live()[0].api().Members(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			order = append(order, m.RingAddress)
		}
		a, b := order[pair%len(order)], order[(pair+1)%len(order)]
		for _, p := range r.live() {
			if p.address == a || p.address == b {
				p.kill()
			}
		}
		start := time.Now()
		r.replicated()
		t.Logf("three copies of %d files were back %s after %s and %s were killed", len(r.files), time.Since(start).Round(time.Millisecond), a, b)
		r.readable()
		r.start(a)
		r.start(b)
		r.settled()
		r.replicated()
	}
}

func TestEveryProcessKilledDuringPuts(t *testing.T) {
	t.Parallel()
	r := newRing(t, addressesFrom(9201, 5)...)
	type acked struct{ name, text string }
	var mu sync.Mutex
	var done []acked
	var wg sync.WaitGroup
	for w := range 4 {
		api := r.nodes[w].api()
		wg.Go(func() {
			for i := 0; ; i++ {
				a := acked{fmt.Sprintf("killed/%d/%d", w, i), fmt.Sprintf("text %d %d", w, i)}
				if _, err := api.Put(t.Context(), a.name, bytes.NewReader([]byte(a.text)), node.PutOptions{Size: int64(len(a.text))}); err != nil {
					return
				}
				mu.Lock()
				done = append(done, a)
				mu.Unlock()
			}
		})
	}
	waitFor(t, "some puts are done", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(done) < 200 {
			return fmt.Errorf("%d puts", len(done))
		}
		return nil
	})
	for _, p := range r.nodes {
		p.kill()
	}
	wg.Wait()
	// Started at the same time: none of them is ready before the others are there.
	var starting sync.WaitGroup
	restarted := make([]*process, len(r.nodes))
	for i, p := range r.nodes {
		starting.Go(func() {
			restarted[i] = startProcess(t, p.data, "node", "--ring-address", p.address, "--listen", "/ip4/127.0.0.1/tcp/0",
				"--bootstrap", r.boot.addrs[0], "--mdns=false", "--no-prompt")
			restarted[i].address = p.address
		})
	}
	starting.Wait()
	r.nodes = restarted
	r.settled()
	for _, a := range done {
		for _, p := range r.nodes[:2] {
			if got := string(must(t, nil, "get", a.name, "-o", "-", "--data", p.data)); got != a.text {
				t.Errorf("%q through %s: %q", a.name, p.address, got)
			}
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d acknowledged puts were all there", len(done))
}

func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	r := newRing(t, addressesFrom(9301, 3)...)
	for i := range 6 {
		r.create(fmt.Sprintf("flip/%d", i), 1<<20+int64(i)*3<<20)
	}
	for name := range r.files {
		r.put(name)
	}
	r.replicated()
	flipped := flipBlocks(t, filepath.Join(r.nodes[0].data, "store"))
	if flipped == 0 {
		t.Fatal("the node keeps no blocks as files: nothing was flipped")
	}
	r.readable()
	r.replicated()
	r.readable()
	t.Logf("%d blocks were damaged and healed", flipped)
}

// flipBlocks flips one bit in the middle of every block file.
func flipBlocks(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(filepath.Dir(path))) != "blocks" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			return err
		}
		b[len(b)/2] ^= 1
		n++
		return os.WriteFile(path, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
