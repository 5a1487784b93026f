package protocol

import (
	"errors"
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
)

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
