package p2phost

import (
	"context"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
)

// corkedTLS is TLS, each Write of which makes one system call. By itself
// crypto/tls makes one for each record of 16 KiB, and every one of them costs a pass
// through the network stack and wakes the receiver. Nothing changes on the wire.
type corkedTLS struct{ *tlsTransport }

func newCorkedTLS(id protocol.ID, key crypto.PrivKey, muxers []tptu.StreamMuxer) (*corkedTLS, error) {
	t, err := newTLS(id, key, muxers)
	if err != nil {
		return nil, err
	}
	return &corkedTLS{t}, nil
}

// SecureInbound is the listener's end of the handshake.
func (t *corkedTLS) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	c := &cork{Conn: insecure}
	return c.around(t.tlsTransport.SecureInbound(ctx, c, p))
}

// SecureOutbound is the dialler's end of the handshake.
func (t *corkedTLS) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	c := &cork{Conn: insecure}
	return c.around(t.tlsTransport.SecureOutbound(ctx, c, p))
}

func (c *cork) around(s sec.SecureConn, err error) (sec.SecureConn, error) {
	if err != nil {
		return nil, err
	}
	return &corkedConn{SecureConn: s, cork: c}, nil
}

// corkedConn is a secured connection whose records leave together.
type corkedConn struct {
	sec.SecureConn
	cork *cork
}

// Write encrypts p and writes all its records at once.
func (c *corkedConn) Write(p []byte) (int, error) {
	if len(p) <= oneRecord {
		return c.SecureConn.Write(p)
	}
	c.cork.hold()
	n, err := c.SecureConn.Write(p)
	if ferr := c.cork.release(); err == nil && ferr != nil {
		return 0, ferr
	}
	return n, err
}

const (
	oneRecord  = 16 << 10 // bytes of plaintext in a TLS record
	corkBuffer = 80 << 10 // bytes: what the multiplexer writes at a time, 64 KiB, in records
)

var corkBuffers = sync.Pool{New: func() any { b := make([]byte, 0, corkBuffer); return &b }}

// cork is the connection below TLS. While it is held, what is written waits in memory.
type cork struct {
	net.Conn

	mu   sync.Mutex
	held int     // by so many
	buf  *[]byte // nil when nothing waits
	err  error   // of what could not be written after all
}

func (c *cork) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held++
}

// release writes what has waited.
func (c *cork) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
	c.flush()
	return c.err
}

func (c *cork) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if c.held == 0 {
		return c.Conn.Write(p)
	}
	if c.buf == nil {
		c.buf, _ = corkBuffers.Get().(*[]byte)
	}
	if len(*c.buf)+len(p) > cap(*c.buf) {
		if c.flush(); c.err != nil {
			return 0, c.err
		}
		if len(p) > corkBuffer {
			return c.Conn.Write(p)
		}
		c.buf, _ = corkBuffers.Get().(*[]byte)
	}
	*c.buf = append(*c.buf, p...)
	return len(p), nil
}

// flush writes what waits. An error stays: the records after it would make no sense.
func (c *cork) flush() {
	if c.buf == nil {
		return
	}
	if c.err == nil {
		_, c.err = c.Conn.Write(*c.buf)
	}
	*c.buf = (*c.buf)[:0]
	corkBuffers.Put(c.buf)
	c.buf = nil
}
