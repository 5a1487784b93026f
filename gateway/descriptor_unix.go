//go:build !windows

package gateway

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

// passesFiles says that an open file can be handed through the socket.
const passesFiles = true

// maxPassed is how many files a peer of the socket may hand over before one is taken.
const maxPassed = 4

// passing is a connection of the socket that takes an open file along, beside the
// bytes (SCM_RIGHTS). The other process may do with the file what this one may, and
// no more: whoever hands it over has opened it.
type passing struct {
	*net.UnixConn

	mu   sync.Mutex
	out  *os.File // goes with the next Write
	in   []*os.File
	lost bool   // one came that this process could not take
	room []byte // for what comes beside the bytes; nil on the side that takes no files
}

// asPassing makes a connection one that can hand files over.
func asPassing(c net.Conn) net.Conn {
	if u, ok := c.(*net.UnixConn); ok {
		return &passing{UnixConn: u}
	}
	return c
}

// passListener makes every connection one that takes files.
type passListener struct{ net.Listener }

func (l passListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if u, ok := c.(*net.UnixConn); ok {
		return &passing{UnixConn: u, room: make([]byte, syscall.CmsgSpace(4*maxPassed))}, nil
	}
	return c, nil
}

// attach has f go with the next Write.
func (c *passing) attach(f *os.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = f
}

func (c *passing) Write(p []byte) (int, error) {
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

// Read reads bytes and collects the files that come with them. One goroutine reads at a time.
func (c *passing) Read(p []byte) (int, error) {
	if c.room == nil {
		return c.UnixConn.Read(p)
	}
	n, beside, flags, _, err := c.ReadMsgUnix(p, c.room)
	afterRead()
	if flags&syscall.MSG_CTRUNC != 0 {
		c.mu.Lock()
		c.lost = true
		c.mu.Unlock()
	}
	if beside > 0 {
		c.collect(c.room[:beside])
	}
	return max(n, 0), err
}

func (c *passing) collect(beside []byte) {
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
	for len(c.in) > maxPassed {
		_ = c.in[0].Close() // nobody has asked for it
		c.in = c.in[1:]
	}
}

// take returns the file that came last; nil when there is none. Others are closed.
func (c *passing) take() *os.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.in) == 0 {
		return nil
	}
	f := c.in[len(c.in)-1]
	for _, other := range c.in[:len(c.in)-1] {
		_ = other.Close() // of a request that was given up
	}
	c.in = nil
	return f
}

// Close closes the connection and the files that nobody has taken.
func (c *passing) Close() error {
	if f := c.take(); f != nil {
		_ = f.Close()
	}
	return c.UnixConn.Close()
}

type connKey struct{}

// withConn puts the connection into the context of its requests.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// takeFile returns the file that came with a request, which the caller closes.
func takeFile(r *http.Request) (*os.File, error) {
	c, ok := r.Context().Value(connKey{}).(*passing)
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

// withFile has f go along with the request that is sent under the context.
func withFile(ctx context.Context, f *os.File) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if c, ok := i.Conn.(*passing); ok {
			c.attach(f)
		}
	}})
}
