package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/certdate"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
)

// ErrNotBootstrap says that the peer at an address lives and isn't a bootstrap peer; it may be a
// member of the ring.
var ErrNotBootstrap = errors.New("not a bootstrap peer")

// permanent reports whether the same request to the same address would fail again: nobody listens
// there, somebody else does, or the peer refuses. Everything else (a broken connection, silence,
// "try again") may be due to the moment.
func permanent(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Usage, fault.NotAllowed, fault.NoSpace, fault.Integrity:
		return true
	case fault.Unreachable:
	default:
		return false
	}
	if errors.Is(err, ErrNotBootstrap) || errors.Is(err, multistream.ErrNotSupported[libp2pprotocol.ID]{}) {
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

// unreachable says on one line why there is no connection, and what to look at.
func unreachable(ctx context.Context, to peer.ID, addr ma.Multiaddr, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &fault.Error{Code: fault.Interrupted, Msg: "interrupted while connecting to the bootstrap peer", Err: err}
	}
	msg := ""
	var other sec.ErrPeerIDMismatch
	var name *net.DNSError
	var limit interface{ Limit() string }
	switch causes := dialCauses(err); {
	case errors.As(err, &limit):
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: %s", addr, limit.Limit())
	case asAny(causes, &other):
		msg = fmt.Sprintf("the peer at %s is %s, not %s: copy the bootstrap peer's address again", addr, other.Actual, to)
	case certdate.Invalid(err):
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: %s", addr, certdate.Explain())
	case asAny(causes, &name):
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: the name %s can't be resolved: check the name and this machine's DNS", addr, name.Name)
	case isAny(causes, syscall.ECONNREFUSED):
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: connection refused: check that it runs there, and the port", addr)
	case isAny(causes, syscall.ENETUNREACH) || isAny(causes, syscall.EHOSTUNREACH):
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: no route to it: check this machine's network and the address", addr)
	case isAny(causes, context.DeadlineExceeded) || isAny(causes, os.ErrDeadlineExceeded):
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: timed out: check the address, and that its port is open in the firewall (TCP and UDP)", addr)
	case protocol.HungUp(err):
		msg = fmt.Sprintf("the bootstrap peer at %s %s", addr, protocol.HungUpWords)
	default:
		msg = fmt.Sprintf("no answer from the bootstrap peer at %s: check the address, and that it runs", addr)
	}
	return &fault.Error{Code: fault.Unreachable, Msg: msg, Err: err}
}

// dialCauses returns err and, when it sums up several dials, the failure of each.
func dialCauses(err error) []error {
	out := []error{err}
	var failed *swarm.DialError
	if errors.As(err, &failed) {
		out = append(out, failed.Cause)
		for i := range failed.DialErrors {
			out = append(out, failed.DialErrors[i].Cause)
		}
	}
	return out
}

func isAny(errs []error, target error) bool {
	for _, err := range errs {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func asAny[T error](errs []error, target *T) bool {
	for _, err := range errs {
		if err != nil && errors.As(err, target) {
			return true
		}
	}
	return false
}

// notBootstrap makes the error of a request to a peer that speaks another protocol say so.
func notBootstrap(h host.Host, to peer.ID, addr ma.Multiaddr, err error) error {
	known, perr := h.Peerstore().GetProtocols(to)
	if perr != nil || len(known) == 0 {
		return err
	}
	for _, id := range known {
		if id == protocol.BootstrapID {
			return err
		}
	}
	return &fault.Error{
		Code: fault.Unreachable,
		Msg:  fmt.Sprintf("the peer at %s is not a bootstrap peer: give the address that `p2pchord bootstrap` printed", addr),
		Err:  errors.Join(ErrNotBootstrap, err),
	}
}
