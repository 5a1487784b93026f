package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// endWithin is how long a process may take to end after SIGTERM.
const endWithin = 20 * time.Second

// process runs in the background until stop.
type process struct {
	name   string
	cmd    *exec.Cmd
	output lockedBuffer
	peak   *peak
	ended  chan struct{}
	err    error
}

// lockedBuffer collects what a process writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a program in the background.
func start(name, path string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(path, args...), ended: make(chan struct{})} //nolint:gosec,noctx // the bench's own programs, ended by stop
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p.peak = watchPeak(p.cmd.Process.Pid)
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the process, first politely, and returns its peak memory in bytes.
func (p *process) stop() int64 {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(endWithin):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	return p.peak.stop()
}

// await waits until check succeeds, as long as the process lives.
func (p *process) await(ctx context.Context, check func() error) error {
	err := waitFor(ctx, func() error {
		select {
		case <-p.ended:
			return errEnded
		default:
			return check()
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, err, tail(p.output.String()))
	}
	return nil
}

var errEnded = fmt.Errorf("it has ended")

// waitFor tries check until it succeeds, for a minute at most.
func waitFor(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil || err == errEnded { //nolint:errorlint // it is never wrapped
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not in time: %w", err)
		}
	}
}

// ran is the cost of a command.
type ran struct {
	took   time.Duration
	cpu    time.Duration // processor time, its own
	peak   int64         // bytes
	output string
}

// command runs a program to its end.
func command(ctx context.Context, path string, args ...string) (ran, error) {
	var out lockedBuffer
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the bench's own programs
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = childAttributes()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return ran{}, fmt.Errorf("starting %s: %w", path, err)
	}
	watch := watchPeak(cmd.Process.Pid)
	err := cmd.Wait()
	r := ran{took: time.Since(began), peak: watch.stop(), output: out.String()}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err != nil {
		return r, fmt.Errorf("%s %s: %w\n%s", filepath.Base(path), strings.Join(args, " "), err, tail(r.output))
	}
	return r, nil
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// freePort returns a TCP port of loopback that is not in use.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("no port in %s", l.Addr())
	}
	return addr.Port, nil
}

// answers reports whether a process listens on a TCP port of loopback.
func answers(port int) error {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second) //nolint:noctx // a second at most
	if err != nil {
		return err
	}
	return c.Close()
}
