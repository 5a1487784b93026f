//go:build linux

package natlab

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// farSize is the size of a file that is sent over a long path: several blocks, so that there is
// progress to report.
const farSize = 9e6

// Two homes in different parts of a country: 20 ms from one to the other, and one packet of a
// hundred is lost on the way.
func TestFarHomes(t *testing.T) {
	for _, c := range []struct {
		name       string
		listen     []string
		congestion string // TCP's control of it, which decides what a loss means; QUIC has its own
	}{
		{"over QUIC", onlyQUIC, "reno"},
		{"over TCP with Reno", onlyTCP, "reno"},
		{"over TCP with BBR", onlyTCP, "bbr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			known, err := os.ReadFile("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
			if err != nil || !strings.Contains(string(known), c.congestion) {
				t.Skipf("this kernel allows no %s: %s %v", c.congestion, known, err)
			}
			farHomes(t, c.listen, c.congestion)
		})
	}
}

func farHomes(t *testing.T, listen []string, congestion string) {
	t.Helper()
	l := New(t)
	first, second := l.Router(PortPreserving), l.Router(PortPreserving)
	for i, r := range []*Router{first, second} {
		r.Far(Distance{Delay: 10 * time.Millisecond, Loss: 0.005, Seed: uint64(i)}) //nolint:gosec // 0 or 1
	}
	a, b := first.Host(), second.Host()
	for _, h := range []*Host{a, b} {
		l.sysctl(h.ns, "net.ipv4.tcp_congestion_control="+congestion)
	}
	first.Forward(5000, a)
	t.Logf("round trip %v", roundTrip(t, b, a, first.IP4()).Round(100*time.Microsecond))
	boot := startBootstrap(t, l.Host(Both))
	one := startNode(t, a, boot, append([]string{"--ring-address", firstAddress}, listen...)...)
	two := startNode(t, b, boot, append([]string{"--ring-address", secondAddress}, listen...)...)
	t.Logf("joined after %v and %v", one.joined.Round(time.Millisecond), two.joined.Round(time.Millisecond))
	one.whole(patience, 2)
	took := two.joined + one.direct(patience, 2) + two.direct(patience, 2)
	t.Logf("direct %v after the second node's start", took.Round(time.Millisecond))
	x := newTransfer(t, "from afar", farSize)
	put, putPath := x.put(one)
	get, getPath := x.get(one)
	t.Logf("put %s %v, get %s %v", putPath, put.Round(time.Millisecond), getPath, get.Round(time.Millisecond))
	if putPath != "direct" || getPath != "direct" {
		t.Errorf("the paths are %q and %q, want direct ones", putPath, getPath)
	}
	raw, err := time.Duration(0), errors.New("not tried")
	for range 5 { // what makes the connection may be lost too
		if raw, err = RawTCP(a, b, first.IP4(), 5000, farSize); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("plain TCP %v", raw.Round(time.Millisecond))
}

// roundTrip is the shortest time of several in which a byte came back over a plain connection; it
// fails the test unless the wires delay.
func roundTrip(t *testing.T, from, to *Host, address string) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		out, in, err := stream(from, to, address, 5000, dialWait)
		if err != nil {
			continue // what makes a connection may be lost
		}
		for range 5 {
			began, b := time.Now(), make([]byte, 1)
			_, err1 := out.Write(b)
			_, err2 := in.Read(b)
			_, err3 := in.Write(b)
			_, err4 := out.Read(b)
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(began))
		}
		if err := errors.Join(out.Close(), in.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if best < 40*time.Millisecond || best > 80*time.Millisecond {
		t.Fatalf("a round trip takes %v, want 40ms and not much more", best)
	}
	return best
}
