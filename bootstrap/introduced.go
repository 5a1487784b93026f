package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/certdate"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// ErrNotBootstrap says that the peer at an address lives and isn't a bootstrap peer; it may be a member of the ring.
var ErrNotBootstrap = errors.New("not a bootstrap peer")

// Introduce asks the bootstrap peer at addr once for members near key, without becoming
// one. Where it is told to wait it does, as long as ctx lasts. Errors are of the kinds fault.Usage and fault.Unreachable, or what the peer answered.
func Introduce(ctx context.Context, h host.Host, client *protocol.Client, addr ma.Multiaddr, key ring.Key) (*pb.Introduced, error) {
	to, err := peeraddr.Split(addr)
	if err != nil {
		return nil, err
	}
	to.Addrs = peeraddr.WithTCP(to.Addrs)
	if err := connectTo(ctx, h, to, addr); err != nil {
		return nil, err
	}
	return introduce(ctx, h, client, to.ID, addr, key)
}

// AwaitIntroduction asks as Introduce does, and again until ctx ends: when a try fails although the address is right and the
// bootstrap peer doesn't refuse, and while the bootstrap peer waits for members to introduce.
func AwaitIntroduction(ctx context.Context, h host.Host, client *protocol.Client, addr ma.Multiaddr, key ring.Key) (*pb.Introduced, error) {
	in, err := Introduce(ctx, h, client, addr, key)
	for wait := firstBackoff; ; wait = min(2*wait, askEvery) {
		waits := err == nil && in.GetSettling() && len(in.GetPeers()) == 0
		if !waits && (err == nil || hopeless(err)) {
			return in, err
		}
		if pause(ctx, wait, nil); ctx.Err() != nil {
			return in, err
		}
		if next, nextErr := Introduce(ctx, h, client, addr, key); ctx.Err() == nil || nextErr == nil {
			in, err = next, nextErr
		}
	}
}

func introduce(ctx context.Context, h host.Host, client *protocol.Client, to peer.ID, addr ma.Multiaddr, key ring.Key) (*pb.Introduced, error) {
	for {
		resp, err := client.Bootstrap(ctx, to, &pb.BootstrapRequest{
			Body: &pb.BootstrapRequest_Introduce{Introduce: &pb.Introduce{Key: uint32(key)}},
		})
		if err == nil {
			return resp.GetIntroduced(), nil
		}
		if !waitAsTold(ctx, err) {
			return nil, notBootstrap(h, to, addr, err)
		}
	}
}

// waitAsTold waits for as long as the peer said that has refused a request for now. It reports
// false at once when the peer didn't say, or when ctx would end before.
func waitAsTold(ctx context.Context, err error) bool {
	after := fault.AfterOf(err)
	if deadline, ok := ctx.Deadline(); after <= 0 || ok && time.Until(deadline) < after {
		return false
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connectTo connects to the peer at addr. A multiaddr with a name in it is resolved each time.
func connectTo(ctx context.Context, h host.Host, to peer.AddrInfo, addr ma.Multiaddr) error {
	dial.ClearBackoff(h, to.ID)
	if err := h.Connect(ctx, to); err != nil {
		return unreachable(ctx, to.ID, addr, err)
	}
	return nil
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

// dialCauses are err and, when it sums up several dials, the failure of each.
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
		Msg:  fmt.Sprintf("the peer at %s is no bootstrap peer: give the address that `p2pchord bootstrap` printed", addr),
		Err:  errors.Join(ErrNotBootstrap, err),
	}
}
