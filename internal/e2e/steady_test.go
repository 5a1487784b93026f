//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	sampleEvery = 5 * time.Second
	// warmUp is how long a process fills its caches and pools before it is compared with itself.
	warmUp = time.Minute
	// steadyFrom is how long a process must have run to be judged.
	steadyFrom = 3 * time.Minute
	// mostMemory is the resident memory in bytes that no node may exceed.
	mostMemory = 200 << 20
)

// usage is what a process uses at one moment.
type usage struct {
	at       time.Duration // since it was first seen
	resident int64         // bytes
	files    int           // open descriptors
}

// meter samples the memory and the open files of a ring's processes.
type meter struct {
	mu      sync.Mutex
	samples map[int][]usage // by process
	first   map[int]time.Time
	names   map[int]string
}

func newMeter() *meter {
	return &meter{samples: map[int][]usage{}, first: map[int]time.Time{}, names: map[int]string{}}
}

// run samples what live returns until done is closed.
func (m *meter) run(done <-chan struct{}, live func() []*process) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		for _, p := range live() {
			m.sample(p)
		}
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

// sample reads /proc. Without /proc there are no samples.
func (m *meter) sample(p *process) {
	pid := p.cmd.Process.Pid
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return
	}
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return
	}
	var resident int64
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, _ = fmt.Sscan(rest, &resident)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.first[pid].IsZero() {
		m.first[pid], m.names[pid] = time.Now(), p.address
	}
	m.samples[pid] = append(m.samples[pid], usage{time.Since(m.first[pid]), resident << 10, len(fds)})
}

// check compares, for each process that ran long enough, the usage at its end with that after its
// warm-up.
func (m *meter) check(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for pid, all := range m.samples {
		last := all[len(all)-1]
		for _, u := range all {
			if u.resident > mostMemory {
				t.Errorf("%s took %d MiB of memory", m.names[pid], u.resident>>20)
				break
			}
		}
		if last.at < steadyFrom {
			continue
		}
		var early, late usage // the most in the first and in the last third after the warm-up
		third := (last.at - warmUp) / 3
		for _, u := range all {
			switch {
			case u.at < warmUp:
			case u.at < warmUp+third:
				early.resident, early.files = max(early.resident, u.resident), max(early.files, u.files)
			case u.at > last.at-third:
				late.resident, late.files = max(late.resident, u.resident), max(late.files, u.files)
			}
		}
		t.Logf("%s in %s: %d to %d MiB, %d to %d open files", m.names[pid], last.at.Round(time.Second),
			early.resident>>20, late.resident>>20, early.files, late.files)
		if late.resident > early.resident*5/4+16<<20 {
			t.Errorf("%s: its memory grows: %d, later %d MiB", m.names[pid], early.resident>>20, late.resident>>20)
		}
		if late.files > early.files*5/4+16 {
			t.Errorf("%s: its open files grow: %d, later %d", m.names[pid], early.files, late.files)
		}
	}
}
