package protocol

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/internal/certdate"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
)

// stage is how far a request had come when it failed.
type stage int

const (
	unsent stage = iota // nothing of it had gone out
	sent                // some of it had; no whole answer had come
	moving              // raw bytes were on their way, in either direction
)

// errStalled is wrapped by the error of a body of which no byte moved any more.
var errStalled = errors.New("the transfer makes no progress")

// stale reports whether err is what a stream gives that the other side has closed.
func stale(err error) bool { return !wire.TimedOut(err) && !ours(err) }

// ours reports whether err is not the stream's but a judgement of what came or was to go over it.
func ours(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooLarge)
}

// failure makes err one that users understand: which peer, why, of what kind.
func failure(ctx context.Context, to peer.ID, err error, at stage) error {
	var refused *fault.Error
	if at == unsent && errors.As(err, &refused) && refused.Code == fault.NotAllowed {
		return refused // a private network's peer doesn't let this one in, or is no member
	}
	code, why := explain(ctx, err, at)
	if at == sent {
		err = errors.Join(ErrNoAnswer, err)
	}
	return &fault.Error{Code: code, Msg: fmt.Sprintf("peer %s %s", to, why), Err: err}
}

func explain(ctx context.Context, err error, at stage) (fault.Code, string) {
	late := wire.TimedOut(err) || errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.Interrupted, "was not waited for: interrupted"
	case ours(err) && at == unsent:
		return fault.Usage, "was not asked: " + err.Error()
	case ours(err):
		return fault.Integrity, "gave an answer that is not valid: " + err.Error()
	case errors.Is(err, errStalled), late && at == moving:
		return fault.TryAgain, "has not moved a byte for too long: the transfer makes no progress"
	case isNotSupported(err):
		return fault.Unreachable, "does not speak this version of p2pchord's protocol"
	case late && at == sent:
		return fault.Unreachable, "did not answer in time"
	case at != unsent:
		return fault.Unreachable, "broke off before it had answered"
	}
	return explainDial(err, late)
}

// explainDial tells why there is no stream.
func explainDial(err error, late bool) (fault.Code, string) {
	if why := explainLimit(err); why != "" {
		return fault.TryAgain, why
	}
	var elsewhere sec.ErrPeerIDMismatch
	switch {
	case mismatch(err, &elsewhere):
		return fault.Unreachable, fmt.Sprintf("could not be reached: at its address there is another peer, %s", elsewhere.Actual)
	case errors.Is(err, swarm.ErrNoAddresses):
		return fault.Unreachable, "could not be reached: none of its addresses is known"
	case errors.Is(err, swarm.ErrDialToSelf):
		return fault.Unreachable, "is this peer itself"
	case certdate.Invalid(err):
		return fault.Unreachable, "could not be reached: " + certdate.Explain()
	case late:
		return fault.Unreachable, "could not be reached in time"
	case HungUp(err):
		return fault.Unreachable, HungUpWords
	}
	return fault.Unreachable, "could not be reached: it does not answer at its addresses"
}

func isNotSupported(err error) bool {
	return errors.Is(err, multistream.ErrNotSupported[protocol.ID]{})
}

// mismatch looks for a peer ID that was not the expected one among the reasons why each address
// failed.
func mismatch(err error, found *sec.ErrPeerIDMismatch) bool {
	if errors.As(err, found) {
		return true
	}
	var pointer *sec.ErrPeerIDMismatch
	if errors.As(err, &pointer) {
		*found = *pointer
		return true
	}
	return false
}

// explainLimit tells why a peer could not be asked for a limit's sake: which limit, whose, and by
// which setting it can be raised, where there is one. It is empty when no limit was hit.
func explainLimit(err error) string {
	var named interface{ Limit() string }
	if errors.As(err, &named) {
		return "was not asked: " + named.Limit()
	}
	text := err.Error()
	var memory *rcmgr.ErrMemoryLimitExceeded
	switch {
	// a relay's answer: its error has no type that is exported
	case strings.Contains(text, "RESOURCE_LIMIT_EXCEEDED"):
		return "could not be reached: the relay is at its limit of connections for one peer: try again, " +
			"or raise --relay-connections-per-peer of the bootstrap peer"
	case !errors.Is(err, network.ErrResourceLimitExceeded):
		return ""
	case strings.Contains(text, "file descriptor"):
		return "was not asked: this program is at its limit of connections, half of the files that it may have open: raise that (ulimit -n, or LimitNOFILE of the service)"
	case errors.As(err, &memory):
		return "was not asked: this program is at its limit of memory for connections, an eighth of the machine's" + scopeWords(text) + ": try again with fewer transfers at a time"
	case strings.Contains(text, "stream"):
		return "was not asked: this program is at its limit of streams" + scopeWords(text) + ": try again with fewer transfers at a time"
	}
	return "was not asked: this program is at its limit of connections" + scopeWords(text) + ": try again when some have ended"
}

// HungUp reports whether a peer accepted a connection and ended it before a word was said, as one
// does that is at its limit of connections. That it was the limit the other side doesn't tell; its
// log does.
func HungUp(err error) bool {
	text := err.Error()
	return strings.Contains(text, "CONNECTION_REFUSED (remote)") || // QUIC's
		strings.Contains(text, "failed to negotiate security protocol") && (strings.Contains(text, "connection reset by peer") || strings.Contains(text, "EOF"))
}

// HungUpWords say what to do when HungUp.
const HungUpWords = "ended the connection at once: it may be at its limit, which its log tells: raise --connections or --connections-per-address there"

// scopeWords says for whom a limit of libp2p's resource manager is, whose errors begin with it.
func scopeWords(text string) string {
	switch {
	case strings.Contains(text, "peer:"):
		return " with one peer"
	case strings.Contains(text, "transient:"):
		return " that are being set up"
	case strings.Contains(text, "system:"):
		return " in all"
	}
	return ""
}
