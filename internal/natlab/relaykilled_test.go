//go:build linux

package natlab

import (
	"fmt"
	"testing"
	"time"
)

// The only relay is killed while files go through it: every put ends in time, whichever way.
func TestRelayKilledDuringPuts(t *testing.T) {
	l := New(t)
	boot := startBootstrap(t, l.Host(Both))
	var nodes []*process
	for range 3 {
		nodes = append(nodes, startNode(t, l.Router(Symmetric).Host(), boot))
	}
	for _, p := range nodes {
		p.whole(patience, len(nodes))
	}
	x := newTransfer(t, "large", 60_000_000)
	const most = 40 * time.Second // three steps of 10 s, and room for a busy machine
	put := func(p *process, name string) <-chan time.Duration {
		done := make(chan time.Duration, 1)
		go func() {
			began := time.Now()
			_, _, err := p.verb("put", x.path, "--name", name)
			took := time.Since(began)
			t.Logf("%s ended after %s: %v", name, took.Round(time.Millisecond), err)
			done <- took
		}()
		return done
	}
	var ends []<-chan time.Duration
	for _, p := range nodes {
		ends = append(ends, put(p, "under way at "+p.host.ns))
	}
	carried := boot.host.received()
	within(t, patience, "bytes go through the relay", func() error {
		if n := boot.host.received() - carried; n < x.size/4 {
			return fmt.Errorf("%d bytes", n)
		}
		return nil
	})
	boot.kill()
	for _, p := range nodes {
		ends = append(ends, put(p, "afterwards at "+p.host.ns))
	}
	for _, end := range ends {
		if took := <-end; took > most {
			t.Errorf("a put took %s", took)
		}
	}
}
