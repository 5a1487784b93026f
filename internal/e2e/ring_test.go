package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// theRing is a bootstrap peer and nodes, each a process.
type theRing struct {
	t     *testing.T
	boot  *process
	nodes []*process
	files map[string]file
	dir   string
	rng   *rand.Rand
}

// file is what was put, kept on disk so that large ones cost no memory.
type file struct {
	path string
	size int64
	sum  [sha256.Size]byte
}

func newRing(t *testing.T, addresses ...string) *theRing {
	t.Helper()
	r := &theRing{t: t, files: map[string]file{}, dir: t.TempDir(), rng: rand.New(rand.NewPCG(1, 2))}
	r.boot = startProcess(t, filepath.Join(r.dir, "bootstrap"), "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0")
	for _, a := range addresses {
		r.start(a)
	}
	r.settled()
	return r
}

// start starts a node with this ring address, in the folder of an earlier one with that address.
func (r *theRing) start(address string, more ...string) *process {
	r.t.Helper()
	args := []string{
		"node", "--ring-address", address, "--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", r.boot.addrs[0], "--mdns=false", "--no-prompt",
	}
	p := startProcess(r.t, filepath.Join(r.dir, strings.ReplaceAll(address, ":", "-")), append(args, more...)...)
	p.address = address
	r.nodes = slices.DeleteFunc(r.nodes, func(q *process) bool { return q.address == address })
	r.nodes = append(r.nodes, p)
	return p
}

func (r *theRing) live() []*process {
	return slices.DeleteFunc(slices.Clone(r.nodes), func(p *process) bool { return !p.alive() })
}

func (r *theRing) any() *process {
	live := r.live()
	return live[r.rng.IntN(len(live))]
}

// places are the live nodes for the oracle.
func (r *theRing) places() []place {
	var out []place
	for _, p := range r.live() {
		out = append(out, placeOf(p.address, p.api().PeerID()))
	}
	return out
}

// settled waits until every live node reports a healthy ring of exactly these nodes.
func (r *theRing) settled() {
	r.t.Helper()
	live := r.live()
	waitFor(r.t, "the ring settles", func() error {
		for _, p := range live {
			st, err := p.api().Status(r.t.Context())
			if err != nil {
				return err
			}
			if !st.Ring.OK {
				return fmt.Errorf("%s: %s %+v", p.address, st.Ring.Problems, st.Repair)
			}
			members := 0
			for _, err := range p.api().Members(r.t.Context()) {
				if err != nil {
					return err
				}
				members++
			}
			if members != len(live) {
				return fmt.Errorf("%s sees %d members of %d", p.address, members, len(live))
			}
		}
		return nil
	})
}

// create makes a file of random bytes to put.
func (r *theRing) create(name string, size int64) {
	r.t.Helper()
	path := filepath.Join(r.dir, fmt.Sprintf("source-%d", len(r.files)))
	f, err := os.Create(path)
	if err != nil {
		r.t.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, h), rand.NewChaCha8([32]byte{byte(len(r.files)), 1}), size); err != nil {
		r.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.files[name] = file{path: path, size: size, sum: [sha256.Size]byte(h.Sum(nil))}
}

// put stores a file with the command, at some node, and checks its output.
func (r *theRing) put(name string) {
	r.t.Helper()
	f := r.files[name]
	out := must(r.t, nil, "put", f.path, "--name="+name, "--data", r.any().data, "--json")
	var res node.PutResult
	if err := json.Unmarshal(out, &res); err != nil {
		r.t.Fatalf("put %q: %v in %s", name, err, out)
	}
	owner, _, _ := holdersOf(r.places(), name)
	if res.Name != name || res.Size != f.size || res.Owner != owner || int(res.Key) != oracleKey(name) {
		r.t.Errorf("put %q of %d bytes says %s, want the owner %s and the key %d", name, f.size, out, owner, oracleKey(name))
	}
}

// readable reads every file through every live node, and compares all bytes.
func (r *theRing) readable() {
	r.t.Helper()
	type job struct {
		p    *process
		name string
	}
	jobs := make(chan job)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for j := range jobs {
				if err := r.check(j.p, j.name); err != nil {
					r.t.Errorf("get %q through %s: %v", j.name, j.p.address, err)
				}
			}
		})
	}
	for name := range r.files {
		for _, p := range r.live() {
			jobs <- job{p, name}
		}
	}
	close(jobs)
	wg.Wait()
	if r.t.Failed() {
		r.t.FailNow()
	}
}

func (r *theRing) check(p *process, name string) error {
	f, err := p.api().Get(r.t.Context(), name, node.GetOptions{})
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if want := r.files[name]; n != want.size || [sha256.Size]byte(h.Sum(nil)) != want.sum {
		return fmt.Errorf("%d bytes arrived that differ from the %d put", n, want.size)
	}
	return nil
}

// replicated waits until every file is complete on exactly the holders that the oracle computes.
func (r *theRing) replicated() {
	r.t.Helper()
	places := r.places()
	waitFor(r.t, "every file is on owner, predecessor and successor", func() error {
		for name := range r.files {
			st, err := r.live()[0].api().Stat(r.t.Context(), name)
			if err != nil {
				return err
			}
			var got []string
			for _, h := range st.Holders {
				if !h.Complete {
					return fmt.Errorf("%q is not complete at %s", name, h.PeerID)
				}
				got = append(got, h.PeerID)
			}
			if owner, _, _ := holdersOf(places, name); len(got) == 0 || got[0] != owner {
				return fmt.Errorf("%q has the holders %v, want the owner %s first", name, got, owner)
			}
			slices.Sort(got)
			if want := wantHolders(places, name); !slices.Equal(got, want) {
				return fmt.Errorf("%q is on %v, want %v", name, got, want)
			}
		}
		return nil
	})
}

var names = []string{
	"plain.txt", "with spaces in it.txt", "a/b/c/deep.bin", "hash#1.bin", "-dash.txt", "--double", "été/日本語.txt", "100%.txt", "q?x=1&y=2", "semi;colon", "'quoted' \"twice\"", "back\\slash", "dot.", "..x", "emoji 🎉",
}

// sample is the files of the main test: mostly small, some of several blocks, a large one.
func (r *theRing) sample(count int, large int64) {
	for i := range count {
		name := fmt.Sprintf("set/file %d.bin", i)
		if i < len(names) {
			name = names[i]
		}
		size := int64(r.rng.IntN(20_000))
		switch {
		case i%20 == 0:
			size = 0
		case i%20 == 1:
			size = int64(r.rng.IntN(3 << 20))
		case i%50 == 2:
			size = 4<<20 + int64(r.rng.IntN(10<<20))
		}
		if i == 7 {
			size = large
		}
		r.create(name, size)
	}
}

func TestTheMainJob(t *testing.T) {
	count, large := 200, int64(100<<20)
	if testing.Short() {
		count, large = 60, 20<<20
	}
	r := newRing(t, "localhost:8001", "localhost:8002", "localhost:8003", "localhost:8004", "localhost:8005", "localhost:8006", "localhost:8007", "localhost:8008")
	r.sample(count, large)
	for name := range r.files {
		r.put(name)
	}
	r.readable()
	r.replicated()

	t.Log("one more joins")
	r.start("localhost:8009")
	r.readable()
	r.settled()
	r.replicated()
	r.readable()

	t.Log("one leaves")
	left := r.nodes[1]
	must(t, nil, "leave", "--data", left.data)
	<-left.ended
	r.readable()
	r.settled()
	r.replicated()
	if entries, err := os.ReadDir(filepath.Join(left.data, "store")); err == nil && len(entries) > 0 {
		t.Errorf("the node that left keeps %d entries in its store", len(entries))
	}

	t.Log("one quits")
	quit := r.nodes[2]
	must(t, nil, "quit", "--data", quit.data)
	<-quit.ended
	r.readable()
	r.settled()
	r.replicated()

	t.Log("one is killed")
	r.nodes[3].kill()
	r.readable()
	r.settled()
	r.replicated()

	t.Log("the bootstrap peer is stopped")
	r.boot.signal(syscall.SIGTERM)
	<-r.boot.ended
	r.create("without a bootstrap peer", 5<<20)
	r.put("without a bootstrap peer")
	r.readable()
	r.start(quit.address) // rejoins through the peers that it remembers
	r.readable()
	r.settled()
	r.replicated()
}

func TestEqualKeys(t *testing.T) {
	t.Parallel()
	// Two pairs of nodes and two pairs of names with equal keys, from ring/testdata/ring.json.
	r := newRing(t, "localhost:20096", "localhost:20225", "localhost:20142", "localhost:20547", "localhost:8001")
	r.sample(20, 1<<20)
	for _, name := range []string{"file-27.txt", "file-115.txt", "file-18.txt", "file-371.txt"} {
		r.create(name, 1000)
	}
	for name := range r.files {
		r.put(name)
	}
	r.replicated()
	r.readable()
	r.nodes[0].kill()
	r.readable()
	r.settled()
	r.replicated()
	must(t, nil, "leave", "--data", r.nodes[3].data)
	<-r.nodes[3].ended
	r.readable()
	r.start("localhost:20096")
	r.readable()
	r.settled()
	r.replicated()
}

func TestPassingClient(t *testing.T) {
	t.Parallel()
	r := newRing(t, "localhost:8001", "localhost:8002", "localhost:8003")
	nowhere := filepath.Join(t.TempDir(), "none")
	boot := r.boot.addrs[0]
	must(t, []byte("passing"), "put", "-", "--name", "passed", "--bootstrap", boot, "--data", nowhere)
	for _, p := range r.nodes {
		if got := must(t, nil, "get", "passed", "-o", "-", "--data", p.data); !bytes.Equal(got, []byte("passing")) {
			t.Errorf("%s got %q", p.address, got)
		}
	}
	if got := must(t, nil, "get", "passed", "-o", "-", "--bootstrap", boot, "--data", nowhere); string(got) != "passing" {
		t.Errorf("the passing client got %q", got)
	}
	if got := must(t, nil, "ring", "--bootstrap", boot, "--data", nowhere, "--json"); bytes.Count(got, []byte("\n")) != 3 {
		t.Errorf("the ring of three as a passing client sees it: %s", got)
	}
}
