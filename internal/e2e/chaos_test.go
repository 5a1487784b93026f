//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/node"
)

// The register that each name is: absent, or the content that was put last.
type (
	request struct {
		kind  string // put, rm or get
		name  string
		value string
	}
	answer struct {
		value  string // of a get; empty: not found
		absent bool   // an rm found nothing
		lost   bool   // no answer: it may have been done, or be done later
	}
)

var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byName := map[string][]porcupine.Operation{}
		for _, op := range history {
			name := op.Input.(request).name
			byName[name] = append(byName[name], op)
		}
		var out [][]porcupine.Operation
		for _, ops := range byName {
			out = append(out, ops)
		}
		return out
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		req, ans := input.(request), output.(answer)
		switch req.kind {
		case "put":
			return true, req.value
		case "rm":
			if ans.absent {
				return state == "", state
			}
			return true, ""
		default:
			return ans.value == state, state
		}
	},
	DescribeOperation: func(input, output any) string {
		req, ans := input.(request), output.(answer)
		return fmt.Sprintf("%s %s %s -> %q absent=%v lost=%v", req.kind, req.name, req.value, ans.value, ans.absent, ans.lost)
	},
}

// chaos is a ring whose nodes fail, and the history of what its users saw.
type chaos struct {
	*theRing
	start time.Time

	mu      sync.Mutex
	history []porcupine.Operation
}

// each operation, with its times; one without an answer may take effect at any later time.
func (c *chaos) record(client int, req request, ans answer, call, ret time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := int64(ret)
	if ans.lost {
		end = math.MaxInt64
	}
	c.history = append(c.history, porcupine.Operation{ClientId: client, Input: req, Call: int64(call), Output: ans, Return: end})
}

func (c *chaos) dial(rng *rand.Rand) (*client.Client, error) {
	c.mu.Lock()
	nodes := append([]*process(nil), c.nodes...)
	c.mu.Unlock()
	p := nodes[rng.IntN(len(nodes))]
	return client.Dial(c.t.Context(), filepath.Join(p.data, "api.sock"), 30*time.Second)
}

// user puts, gets and removes until ctx ends.
func (c *chaos) user(ctx context.Context, id int, names []string) {
	rng := rand.New(rand.NewPCG(uint64(id), 99))
	for seq := 0; ctx.Err() == nil; seq++ {
		req := request{kind: "get", name: names[rng.IntN(len(names))]}
		switch d := rng.IntN(10); {
		case d < 4:
			req.kind, req.value = "put", fmt.Sprintf("%d.%d.%s", id, seq, strings.Repeat("x", rng.IntN(2000)))
		case d < 5:
			req.kind = "rm"
		}
		api, err := c.dial(rng)
		if err != nil {
			continue // that node is down
		}
		call := time.Since(c.start)
		ans, known := perform(c.t.Context(), api, req)
		_ = api.Close()
		if known {
			c.record(id, req, ans, call, time.Since(c.start))
		}
	}
}

// perform does one operation. known is false for a read without an answer: it has no effect to
// check.
func perform(ctx context.Context, api *client.Client, req request) (ans answer, known bool) {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	switch req.kind {
	case "put":
		_, err := api.Put(ctx, req.name, strings.NewReader(req.value), node.PutOptions{Size: int64(len(req.value))})
		return answer{lost: err != nil && !errors.Is(err, node.ErrFewerCopies)}, true
	case "rm":
		err := api.Remove(ctx, req.name)
		return answer{absent: errors.Is(err, node.ErrNotFound), lost: err != nil && !errors.Is(err, node.ErrNotFound)}, true
	default:
		f, err := api.Get(ctx, req.name, node.GetOptions{})
		if errors.Is(err, node.ErrNotFound) {
			return answer{}, true
		}
		if err != nil {
			return answer{}, false
		}
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(f)
		return answer{value: string(b)}, err == nil
	}
}

// disturb kills, pauses and restarts one node after the other, each time waiting until the ring has
// recovered.
func (c *chaos) disturb(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil {
		c.mu.Lock()
		p := c.nodes[rng.IntN(len(c.nodes))]
		c.mu.Unlock()
		switch rng.IntN(3) {
		case 0:
			c.t.Logf("%s kill %s", c.at(), p.address)
			p.kill()
			pause(ctx, time.Duration(rng.IntN(6000))*time.Millisecond)
			c.restart(p)
		case 1:
			d := time.Duration(500+rng.IntN(14_000)) * time.Millisecond
			c.t.Logf("%s pause %s for %s", c.at(), p.address, d)
			p.signal(syscall.SIGSTOP)
			pause(ctx, d)
			p.signal(syscall.SIGCONT)
		default:
			c.t.Logf("%s kill and restart %s at once", c.at(), p.address)
			p.kill()
			c.restart(p)
		}
		c.settled()
	}
}

func (c *chaos) at() time.Duration { return time.Since(c.start).Round(time.Millisecond) }

// restart starts a node again with its folder.
func (c *chaos) restart(p *process) {
	n := startProcess(c.t, p.data, "node", "--ring-address", p.address, "--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", c.boot.addrs[0], "--mdns=false", "--no-prompt")
	n.address = p.address
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, q := range c.nodes {
		if q == p {
			c.nodes[i] = n
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// TestChaos keeps putting, getting and removing while nodes are killed, paused and restarted, and
// checks that what the users saw is linearizable. P2PCHORD_CHAOS sets the duration, such as "10m".
func TestChaos(t *testing.T) {
	length := 30 * time.Second
	if s := os.Getenv("P2PCHORD_CHAOS"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	size := 8
	if length > time.Minute {
		size = 12
	}
	var addresses []string
	for i := range size {
		addresses = append(addresses, fmt.Sprintf("localhost:%d", 9001+i))
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("P2PCHORD_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	c := &chaos{theRing: newRing(t, addresses...), start: time.Now()}
	names := make([]string, 24)
	for i := range names {
		names[i] = fmt.Sprintf("chaos/%d", i)
	}
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	meter, ended := newMeter(), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		meter.run(ended, func() []*process {
			c.mu.Lock()
			defer c.mu.Unlock()
			return append([]*process{c.boot}, c.nodes...)
		})
	})
	var users sync.WaitGroup
	for id := range 6 {
		users.Go(func() { c.user(ctx, id, names) })
	}
	c.disturb(ctx, rand.New(rand.NewPCG(seed, 1)))
	users.Wait()
	c.settled()
	close(ended)
	watching.Wait()
	meter.check(t)

	// In the end all nodes agree on every name.
	for i, p := range c.live() {
		for _, name := range names {
			call := time.Since(c.start)
			ans, known := perform(t.Context(), p.api(), request{kind: "get", name: name})
			if !known {
				t.Errorf("%q can't be read through %s at the end", name, p.address)
				continue
			}
			c.record(100+i, request{kind: "get", name: name}, ans, call, time.Since(c.start))
		}
	}
	result, info := porcupine.CheckOperationsVerbose(register, c.history, 2*time.Minute)
	t.Logf("%d operations", len(c.history))
	switch result {
	case porcupine.Ok:
	case porcupine.Unknown:
		t.Errorf("the history of %d operations could not be checked in time", len(c.history))
	case porcupine.Illegal:
		path := filepath.Join(os.TempDir(), fmt.Sprintf("chaos-%d.html", seed))
		t.Errorf("the history is not linearizable; see %s: %v", path, porcupine.VisualizePath(register, info, path))
	}
}
