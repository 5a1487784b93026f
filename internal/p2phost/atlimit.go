package p2phost

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"
)

// LimitError says that a limit of this host was hit. It wraps libp2p's error.
type LimitError struct {
	What string // the limit with its number, like "2048 connections in all"
	Do   string // what to do
	Err  error
}

// Limit is the limit and what to do, in words for the user.
func (e *LimitError) Limit() string { return "this program is at its limit of " + e.What + ": " + e.Do }

func (e *LimitError) Error() string { return e.Limit() }

func (e *LimitError) Unwrap() error { return e.Err }

// refusalsEvery is how often a limit at which others are refused is told in the log.
const refusalsEvery = time.Minute

// loggedLimits paces the lines of the log, by limit.
type loggedLimits map[string]*rate.Sometimes

// namedLimits is a resource manager whose refusals name the limit, its number and its setting: to who dials from
// here as the error, to who runs this host in its log when others are refused. It is safe for concurrent use.
type namedLimits struct {
	network.ResourceManager
	limits    ringLimits
	strangers *strangers

	mu     sync.Mutex
	logged loggedLimits
}

// OpenConnection is ResourceManager's.
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
		err = m.named(m.connection(err), dir, endpoint.String(), err)
	}
	return scope, err
}

// OpenStream is ResourceManager's.
func (m *namedLimits) OpenStream(p peer.ID, dir network.Direction) (network.StreamManagementScope, error) {
	open := func() (network.StreamManagementScope, error) { return m.ResourceManager.OpenStream(p, dir) }
	var scope network.StreamManagementScope
	var err error
	if dir == network.DirInbound && !m.strangers.isNeighbor(p) {
		scope, err = m.strangers.openStream(p, open)
	} else {
		scope, err = open()
	}
	if err != nil {
		err = m.named(m.stream(err), dir, p.String(), err)
	}
	return scope, err
}

// connection says at which limit a connection was refused; nil when that is none of this package's.
func (m *namedLimits) connection(err error) *LimitError {
	var named *LimitError
	text := err.Error()
	switch {
	case errors.As(err, &named):
		return named
	case strings.HasPrefix(text, "connections per ip limit exceeded"):
		return &LimitError{
			What: fmt.Sprintf("%d connections behind one address", m.limits.connsPerIP),
			Do:   "try again when some have ended, or raise --connections-per-address",
		}
	case text == "rate limit exceeded":
		return &LimitError{
			What: fmt.Sprintf("%.0f new connections a second behind one address, after a burst of %d", m.limits.dialsPerSec, m.limits.burst),
			Do:   "try again, or raise --connections-per-address",
		}
	case !errors.Is(err, network.ErrResourceLimitExceeded) || strings.Contains(text, "file descriptor"):
		return nil
	case strings.Contains(text, "system:"):
		return &LimitError{
			What: fmt.Sprintf("%d connections in all", m.limits.conns),
			Do:   "try again when some have ended, or raise --connections",
		}
	case strings.Contains(text, "transient:"):
		return &LimitError{
			What: fmt.Sprintf("%d connections that are being set up", m.limits.burst),
			Do:   "try again, or raise --connections-per-address",
		}
	}
	return nil
}

// stream says at which limit a stream was refused; nil when that is none of this package's.
func (m *namedLimits) stream(err error) *LimitError {
	var named *LimitError
	text := err.Error()
	switch {
	case errors.As(err, &named):
		return named
	case !errors.Is(err, network.ErrResourceLimitExceeded):
		return nil
	case strings.Contains(text, "peer:"):
		return &LimitError{What: fmt.Sprintf("%d streams with one peer", m.limits.peerStreams), Do: "try again with fewer transfers at a time"}
	case strings.Contains(text, "system:"):
		return &LimitError{
			What: fmt.Sprintf("%d streams in all", m.limits.streams),
			Do:   "try again with fewer transfers at a time, or raise --connections, with which it grows",
		}
	}
	return nil
}

// named makes err the limit's, and tells the log when somebody else was refused.
func (m *namedLimits) named(limit *LimitError, dir network.Direction, from string, err error) error {
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
func (m *namedLimits) log(limit *LimitError, from string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logged[limit.What] == nil {
		m.logged[limit.What] = &rate.Sometimes{Interval: refusalsEvery}
	}
	m.logged[limit.What].Do(func() { log.Errorf("refused %s: %s", from, limit.Limit()) })
}
