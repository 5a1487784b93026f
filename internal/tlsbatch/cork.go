package tlsbatch

import (
	"context"
	"crypto/x509"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"

	"github.com/p2pchord/p2pchord/internal/certdate"
)

// Transport is the TLS of package tlsbatch. It is libp2p's sec.SecureTransport.
type Transport struct{ *handshaker }

// New returns a Transport for the host with this key. libp2p calls it with the muxers of the host.
func New(id protocol.ID, key crypto.PrivKey, muxers []tptu.StreamMuxer) (*Transport, error) {
	template, err := certdate.Template()
	if err != nil {
		return nil, err
	}
	return NewWithTemplate(id, key, muxers, template)
}

// NewWithTemplate is New with another template of the certificate.
func NewWithTemplate(id protocol.ID, key crypto.PrivKey, muxers []tptu.StreamMuxer, template *x509.Certificate) (*Transport, error) {
	h, err := newHandshaker(id, key, muxers, template)
	if err != nil {
		return nil, err
	}
	return &Transport{h}, nil
}

// SecureInbound makes the listener's end of the handshake.
func (t *Transport) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	c := &cork{Conn: insecure}
	return c.around(t.handshaker.SecureInbound(ctx, c, p))
}

// SecureOutbound makes the dialer's end of the handshake.
func (t *Transport) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	c := &cork{Conn: insecure}
	return c.around(t.handshaker.SecureOutbound(ctx, c, p))
}

func (c *cork) around(s sec.SecureConn, err error) (sec.SecureConn, error) {
	if err != nil {
		return nil, err
	}
	return &corkedConn{SecureConn: s, cork: c}, nil
}

// corkedConn is a secured connection that writes the records of one Write together.
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
	held int     // how many Writes hold it
	buf  *[]byte // nil when nothing waits
	err  error   // of the first write that failed
}

func (c *cork) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held++
}

// release writes what waits.
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
