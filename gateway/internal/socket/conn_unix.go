//go:build !windows

package socket

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"syscall"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// HandsOver reports whether connections can hand over open files on this system.
const HandsOver = true

// maxWaiting is how many files the other end may hand over before one is taken.
const maxWaiting = 4

// Conn is a connection that hands over open files beside its bytes (SCM_RIGHTS). The process at the
// other end may do with such a file what this process may do and no more, because the file is open
// already.
type Conn struct {
	*net.UnixConn

	mu   sync.Mutex
	out  *os.File // goes with the next Write
	in   []*os.File
	lost bool   // a file came that this process could not take
	oob  []byte // buffer for what comes beside the bytes; nil at the end that takes no files
}

// handingOver returns c as a connection that can hand over files.
func handingOver(c net.Conn) net.Conn {
	if u, ok := c.(*net.UnixConn); ok {
		return &Conn{UnixConn: u}
	}
	return c
}

// takingFiles returns l as a listener whose connections take files.
func takingFiles(l net.Listener) net.Listener { return fileListener{l} }

type fileListener struct{ net.Listener }

func (l fileListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if u, ok := c.(*net.UnixConn); ok {
		return &Conn{UnixConn: u, oob: make([]byte, syscall.CmsgSpace(4*maxWaiting))}, nil
	}
	return c, nil
}

// attach makes f go with the next Write.
func (c *Conn) attach(f *os.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = f
}

func (c *Conn) Write(p []byte) (int, error) {
	beforeWrite()
	c.mu.Lock()
	f := c.out
	c.out = nil
	c.mu.Unlock()
	if f == nil || len(p) == 0 {
		return c.UnixConn.Write(p)
	}
	n, _, err := c.WriteMsgUnix(p, syscall.UnixRights(int(f.Fd())), nil) //nolint:gosec // a file descriptor is small
	if err != nil || n == len(p) {
		return max(n, 0), err
	}
	m, err := c.UnixConn.Write(p[n:])
	return n + m, err
}

// Read reads bytes and collects the files that come with them. Only one goroutine may read at a
// time.
func (c *Conn) Read(p []byte) (int, error) {
	if c.oob == nil {
		return c.UnixConn.Read(p)
	}
	n, beside, flags, _, err := c.ReadMsgUnix(p, c.oob)
	afterRead()
	if flags&syscall.MSG_CTRUNC != 0 {
		c.mu.Lock()
		c.lost = true
		c.mu.Unlock()
	}
	if beside > 0 {
		c.collect(c.oob[:beside])
	}
	return max(n, 0), err
}

func (c *Conn) collect(beside []byte) {
	messages, err := syscall.ParseSocketControlMessage(beside)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			c.in = append(c.in, os.NewFile(uintptr(fd), "the file that was handed over")) //nolint:gosec // the kernel's own number
		}
	}
	for len(c.in) > maxWaiting {
		_ = c.in[0].Close() // nobody has taken it
		c.in = c.in[1:]
	}
}

// take returns the file that came last, or nil. It closes the others.
func (c *Conn) take() *os.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.in) == 0 {
		return nil
	}
	f := c.in[len(c.in)-1]
	for _, other := range c.in[:len(c.in)-1] {
		_ = other.Close() // it came with a request that was given up
	}
	c.in = nil
	return f
}

// Close closes the connection and the files that nobody has taken.
func (c *Conn) Close() error {
	if f := c.take(); f != nil {
		_ = f.Close()
	}
	return c.UnixConn.Close()
}

type connKey struct{}

// WithConn puts the connection into the context of its requests. It is an http.Server's
// ConnContext.
func WithConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// TakeFile returns the file that came with a request. The caller closes it.
func TakeFile(r *http.Request) (*os.File, error) {
	c, ok := r.Context().Value(connKey{}).(*Conn)
	if !ok {
		return nil, errNoFile
	}
	f := c.take()
	c.mu.Lock()
	lost := c.lost
	c.lost = false
	c.mu.Unlock()
	switch {
	case f == nil && lost:
		return nil, fault.New(fault.NoSpace, "the node can't take the open file: %w", syscall.EMFILE)
	case f == nil:
		return nil, errNoFile
	}
	return f, nil
}

// WithFile makes f go with the request that is sent under the context.
func WithFile(ctx context.Context, f *os.File) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if c, ok := i.Conn.(*Conn); ok {
			c.attach(f)
		}
	}})
}
