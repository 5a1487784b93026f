//go:build linux

package natlab

import "fmt"

// Speed bounds what leaves the machine, and what comes to it, in megabits per second.
func (a *attachment) Speed(mbit int) {
	l := a.seg.lab
	l.t.Helper()
	for _, end := range []struct{ ns, dev string }{{a.ns, a.dev}, {a.seg.ns, a.port}} {
		l.ip("netns", "exec", end.ns, "tc", "qdisc", "replace", "dev", end.dev, "root", "tbf",
			"rate", fmt.Sprintf("%dmbit", mbit), "burst", "256kb", "latency", "50ms")
	}
}
