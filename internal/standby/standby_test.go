package standby

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// disk is a store that fails as long as there is an error.
type disk struct {
	mu  sync.Mutex
	err error
}

func (d *disk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *disk) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *disk) Check() error  { return d.Err() }
func (d *disk) Reopen() error { return d.Err() }

// alone is the ring of a node without others.
type alone struct {
	Ring
	snapshot *chord.Snapshot
}

func (r alone) Snapshot() *chord.Snapshot     { return r.snapshot }
func (r alone) Patience(uint32) time.Duration { return time.Second }

// A node that the ring can't do without stays while its disk fails, says so, and stores files again
// when it can.
func TestTheLastNodeStays(t *testing.T) {
	t.Parallel()
	m, err := ring.New(ring.DefaultConfig(ring.Position{Key: 1, ID: "self"}, 30))
	if err != nil {
		t.Fatal(err)
	}
	m.Step(ring.Found{})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		d := new(disk)
		var works atomic.Int32
		s := New(Config{
			Env: env.NewSystem(ctx), Ring: alone{snapshot: &chord.Snapshot{View: m.View()}}, Store: d, Heartbeat: 3 * time.Second,
			Event: func(string, string) {}, Works: func() { works.Add(1) },
		})
		wg.Go(func() { s.Run(ctx) })
		time.Sleep(time.Minute)
		if state, reason := s.State(); state != replica.Working || reason != "" || s.Failed() || s.StepsAside() {
			t.Errorf("with a disk that works the state is %v", state)
		}
		d.fail(errors.New("no such device"))
		time.Sleep(time.Hour)
		if state, reason := s.State(); state != replica.Failing || reason == "" || !s.Failed() || s.StepsAside() {
			t.Errorf("with a disk that fails the state is %v (%s)", state, reason)
		}
		d.fail(nil)
		time.Sleep(time.Hour)
		if state, _ := s.State(); state != replica.Working || s.Failed() || works.Load() != 1 {
			t.Errorf("with a disk that works again the state is %v", state)
		}
		cancel()
		wg.Wait()
	})
}
