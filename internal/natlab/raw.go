//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	// dialWait bounds how long an expected connection may take: on a busy machine the first packet
	// may be lost, and is sent again after a second.
	dialWait = 10 * time.Second
	// refusedWait is how long a connection that must fail is tried.
	refusedWait = 300 * time.Millisecond
)

// stream makes a plain TCP connection from one machine to a port of another, under an address
// that may be its router's, and returns both ends. Each step may take as long as wait.
func stream(from, to *Host, address string, port int, wait time.Duration) (out, in net.Conn, err error) {
	var l net.Listener
	err = inside(to.ns, func() error {
		l, err = net.Listen("tcp", ":"+strconv.Itoa(port)) //nolint:gosec,noctx // within the lab
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }() // one connection is all it is for
	err = inside(from.ns, func() error {
		out, err = net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(port)), wait) //nolint:noctx // bounded
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if err = l.(*net.TCPListener).SetDeadline(time.Now().Add(wait)); err == nil { //nolint:forcetypeassert // of TCP
		in, err = l.Accept()
	}
	if err != nil {
		return nil, nil, errors.Join(err, out.Close())
	}
	return out, in, nil
}

// reach makes a connection from one machine to another under an address, and closes it.
func reach(from, to *Host, address string, port int) error {
	return tryToReach(from, to, address, port, dialWait)
}

// cannotReach reports whether such a connection fails.
func cannotReach(from, to *Host, address string, port int) bool {
	return tryToReach(from, to, address, port, refusedWait) != nil
}

func tryToReach(from, to *Host, address string, port int, wait time.Duration) error {
	out, in, err := stream(from, to, address, port, wait)
	if err != nil {
		return err
	}
	return errors.Join(out.Close(), in.Close())
}

// RawTCP sends size bytes from one machine to another over a plain TCP connection, made the other
// way, to a port of from under address, and returns the time that takes.
func RawTCP(from, to *Host, address string, port int, size int64) (time.Duration, error) {
	in, out, err := stream(to, from, address, port, dialWait)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }() // read to its end
	began := time.Now()
	sent := make(chan error, 1)
	go func() {
		buffer := make([]byte, 1<<20)
		var err error
		for left := size; left > 0 && err == nil; left -= int64(len(buffer)) {
			_, err = out.Write(buffer[:min(left, int64(len(buffer)))])
		}
		sent <- errors.Join(err, out.Close())
	}()
	n, err := io.Copy(io.Discard, in)
	if err = errors.Join(err, <-sent); err == nil && n != size {
		err = fmt.Errorf("%d bytes of %d arrived", n, size)
	}
	return time.Since(began), err
}
