package bootstrap

import (
	"errors"
	"net"
	"syscall"

	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// hopeless reports whether the same request to the same address would fail again: nobody listens there, somebody else
// does, or the peer refuses. Everything else (a broken connection, silence, "try again") may be due to the moment.
func hopeless(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Usage, fault.NotAllowed, fault.NoSpace, fault.Integrity:
		return true
	case fault.Unreachable:
	default:
		return false
	}
	if errors.Is(err, ErrNotBootstrap) || errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}) {
		return true
	}
	causes := dialCauses(err)
	var other sec.ErrPeerIDMismatch
	var name *net.DNSError
	if asAny(causes, &name) {
		return name.IsNotFound
	}
	return asAny(causes, &other) || isAny(causes, syscall.ECONNREFUSED) ||
		isAny(causes, syscall.ENETUNREACH) || isAny(causes, syscall.EHOSTUNREACH)
}
