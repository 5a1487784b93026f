package limits

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"
)

// Error says that a limit of this host was reached. It wraps libp2p's error.
type Error struct {
	What string // the limit with its number, like "2048 connections in all"
	Do   string // what to do
	Err  error
}

// Limit returns the limit and what to do, as a message for the user.
func (e *Error) Limit() string { return "this program is at its limit of " + e.What + ": " + e.Do }

func (e *Error) Error() string { return e.Limit() }

// Unwrap returns libp2p's error.
func (e *Error) Unwrap() error { return e.Err }

// logEvery is how often a limit at which others are refused is written to the log.
const logEvery = time.Minute

var log = golog.Logger("p2pchord/host")

// namedLimits is a resource manager whose refusals name the limit, its number, and its setting: in
// the error for whoever dials from here, and in this host's log when others are refused. It is safe
// for concurrent use.
type namedLimits struct {
	network.ResourceManager
	limits    numbers
	strangers *strangers
	probation *probation // nil: the host is open to everybody

	mu     sync.Mutex
	logged map[string]*rate.Sometimes // by limit
}

// OpenConnection counts a connection, as libp2p's resource manager does.
func (m *namedLimits) OpenConnection(dir network.Direction, usefd bool, endpoint ma.Multiaddr) (network.ConnManagementScope, error) {
	open := func() (network.ConnManagementScope, error) {
		return m.ResourceManager.OpenConnection(dir, usefd, endpoint)
	}
	var scope network.ConnManagementScope
	var err error
	if dir == network.DirInbound {
		scope, err = m.strangers.openConnection(endpoint, open)
	} else {
		scope, err = open()
	}
	if err != nil {
		return scope, m.named(m.connection(err), dir, endpoint.String(), err)
	}
	if dir == network.DirInbound && m.probation != nil {
		scope = m.probation.connection(endpoint, scope)
	}
	return scope, nil
}

// OpenStream counts a stream, as libp2p's resource manager does.
func (m *namedLimits) OpenStream(p peer.ID, dir network.Direction) (network.StreamManagementScope, error) {
	open := func() (network.StreamManagementScope, error) { return m.ResourceManager.OpenStream(p, dir) }
	if dir == network.DirInbound && !m.strangers.isNeighbor(p) {
		opened := open
		open = func() (network.StreamManagementScope, error) { return m.strangers.openStream(p, opened) }
	}
	if m.probation != nil {
		opened := open
		open = func() (network.StreamManagementScope, error) { return m.probation.stream(p, dir, opened) }
	}
	scope, err := open()
	if err != nil {
		err = m.named(m.stream(err), dir, p.String(), err)
	}
	return scope, err
}

// connection returns the limit at which a connection was refused; nil when that is none of this
// package's.
func (m *namedLimits) connection(err error) *Error {
	var named *Error
	text := err.Error()
	switch {
	case errors.As(err, &named):
		return named
	case strings.HasPrefix(text, "connections per ip limit exceeded"):
		return &Error{
			What: fmt.Sprintf("%d connections behind one address", m.limits.connsPerIP),
			Do:   "try again when some have ended, or raise --connections-per-address",
		}
	case text == "rate limit exceeded":
		return &Error{
			What: fmt.Sprintf("%.0f new connections a second behind one address, after a burst of %d", m.limits.dialsPerSec, m.limits.burst),
			Do:   "try again, or raise --connections-per-address",
		}
	case !errors.Is(err, network.ErrResourceLimitExceeded) || strings.Contains(text, "file descriptor"):
		return nil
	case strings.Contains(text, "system:"):
		return &Error{
			What: fmt.Sprintf("%d connections in all", m.limits.conns),
			Do:   "try again when some have ended, or raise --connections",
		}
	case strings.Contains(text, "transient:"):
		return &Error{
			What: fmt.Sprintf("%d connections that are being set up", m.limits.burst),
			Do:   "try again, or raise --connections-per-address",
		}
	}
	return nil
}

// stream returns the limit at which a stream was refused; nil when that is none of this package's.
func (m *namedLimits) stream(err error) *Error {
	var named *Error
	text := err.Error()
	switch {
	case errors.As(err, &named):
		return named
	case !errors.Is(err, network.ErrResourceLimitExceeded):
		return nil
	case strings.Contains(text, "peer:"):
		return &Error{What: fmt.Sprintf("%d streams with one peer", m.limits.peerStreams), Do: "try again with fewer transfers at a time"}
	case strings.Contains(text, "system:"):
		return &Error{
			What: fmt.Sprintf("%d streams in all", m.limits.streams),
			Do:   "try again with fewer transfers at a time, or raise --connections, with which it grows",
		}
	}
	return nil
}

// named returns the limit with err as its cause, or err when there is none. It writes to the log
// when somebody else was refused.
func (m *namedLimits) named(limit *Error, dir network.Direction, from string, err error) error {
	if limit == nil {
		return err
	}
	if limit.Err == nil {
		limit.Err = err
	}
	if dir == network.DirInbound {
		m.log(limit, from)
	}
	return limit
}

// log writes a line about a limit, unless there was one just now.
func (m *namedLimits) log(limit *Error, from string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logged[limit.What] == nil {
		m.logged[limit.What] = &rate.Sometimes{Interval: logEvery}
	}
	m.logged[limit.What].Do(func() { log.Errorf("refused %s: %s", from, limit.Limit()) })
}
