//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxFrame is the longest Ethernet frame at the usual MTU of 1,500 bytes, with a VLAN's tag.
	maxFrame = 1518
	// wireFrames bounds the frames in flight in one direction; further ones are dropped, as by a
	// router's full queue.
	wireFrames = 16384
)

// Distance describes the delay and loss of a path through the internet. Many kernels, including
// those of some test machines, lack netem, so the test's process emulates the path: two TAP
// devices, one in each namespace, and two goroutines that move frames from one to the other. They
// delay each frame, and drop a share that a seeded generator chooses. The same seed drops the same
// frames of a direction, counted from the first.
//
// Nothing has to be installed. Each frame passes through the process, with one system call on
// either side, and offloading is off, so this suits long links, not fast ones. Losses are
// independent of each other; those of real networks come in bursts.
type Distance struct {
	Delay time.Duration // of each frame, in each direction
	Loss  float64       // share of the frames that are lost, of 1, in each direction
	Seed  uint64        // of the choice of these
}

// Far replaces the link of the interface with a long one. The addresses stay; open connections are
// lost.
func (a *attachment) Far(d Distance) {
	s, l := a.seg, a.seg.lab
	l.t.Helper()
	l.ip("-n", a.ns, "link", "del", a.dev) // and with it the other end
	here, there := a.tap(a.ns, a.dev), a.tap(s.ns, a.port)
	l.ip("-n", s.ns, "link", "set", a.port, "master", "lan", "up")
	l.ip("-n", a.ns, "link", "set", a.dev, "up")
	a.assign(a.number)
	done := make(chan error, 2)
	go func() { done <- d.carry(there, here, 2*d.Seed) }()
	go func() { done <- d.carry(here, there, 2*d.Seed+1) }()
	l.t.Cleanup(func() {
		if err := errors.Join(here.Close(), there.Close(), <-done, <-done); err != nil {
			l.t.Errorf("the long cable of %s: %v", a.ns, err)
		}
	})
}

// tap makes an interface in a namespace whose frames are read and written here. It exists until it
// is closed.
func (a *attachment) tap(ns, dev string) *os.File {
	l := a.seg.lab
	l.t.Helper()
	var f *os.File
	err := inside(ns, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return &fs.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
		}
		req, err := unix.NewIfreq(dev)
		if err == nil {
			req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("making the interface %s: %w", dev, err), unix.Close(fd))
		}
		f = os.NewFile(uintptr(fd), dev) // after TUNSETIFF: only then can it be waited for
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		l.t.Skipf("delay and loss need the kernel's TAP devices: %v", err)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.ip("-n", ns, "link", "set", dev, "txqueuelen", "10000")
	return f
}

// frame is an Ethernet frame in flight.
type frame struct {
	due  time.Time
	data []byte
}

// carry moves frames from one end to the other, in order, until either is closed.
func (d Distance) carry(to, from *os.File, seed uint64) error {
	way := make(chan frame, wireFrames)
	out := make(chan error, 1)
	go func() { out <- deliver(to, way) }()
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // which frames are lost has to be the same again
	buffer := make([]byte, maxFrame)
	var err error
	for {
		var n int
		if n, err = from.Read(buffer); err != nil {
			break
		}
		if rng.Float64() < d.Loss {
			continue
		}
		select {
		case way <- frame{time.Now().Add(d.Delay), append([]byte(nil), buffer[:n]...)}:
		default:
		}
	}
	close(way)
	return errors.Join(unlessClosed(err), <-out)
}

// deliver writes each frame when it is due.
func deliver(to *os.File, way <-chan frame) error {
	var failed error
	for f := range way {
		time.Sleep(time.Until(f.due))
		if _, err := to.Write(f.data); err != nil && failed == nil {
			failed = unlessClosed(err)
		}
	}
	return failed
}

// unlessClosed drops errors that only say that an end is closed, or its interface down.
func unlessClosed(err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EIO) || errors.Is(err, unix.EBADFD) {
		return nil
	}
	return err
}

// inside runs f in a goroutine whose thread is in the namespace: sockets and interfaces that f
// itself makes are in it.
func inside(ns string, f func() error) error {
	out := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never given back: the thread ends with the goroutine
		out <- func() error {
			file, err := os.Open("/run/netns/" + ns)
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }() // only read
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering the namespace: %w", err)
			}
			return f()
		}()
	}()
	return <-out
}
