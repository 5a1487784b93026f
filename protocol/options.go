package protocol

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/admission"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
)

// ServeOptions bound what strangers may take. Zero fields take their defaults.
type ServeOptions struct {
	// ReadTimeout is the time that a request's message may take to arrive after its first byte.
	// Default 10 s.
	ReadTimeout time.Duration
	// QueueTimeout is how long a request may wait for its turn where there are too many.
	// Default 4 s, less than clients wait for an answer.
	QueueTimeout time.Duration
	// IdleTimeout is how long a stream may stay without a request. Default 2 min,
	// longer than clients keep idle streams, so that the client is the one to close.
	IdleTimeout time.Duration
	// Progress is how long reading or writing may go without one byte moving. Default 10 s.
	Progress time.Duration
	// SlowFor is how long strangers are waited for in all, before their bytes have to have moved at
	// 16 KiB/s on average. Default 10 s.
	SlowFor time.Duration
	// HandleTimeout ends the context of a handler. Default 1 min for the ring's and
	// bootstrap's messages, 15 min for files.
	HandleTimeout time.Duration
	// WorkingEvery is the interval at which a client of the file protocol hears that
	// its request is still being worked on. Default 2 s.
	WorkingEvery time.Duration
	// PerPeer bounds the requests of one peer that are handled at the same time.
	// Default 64. More of them wait for QueueTimeout, then get fault.TryAgain.
	PerPeer int
	// Total bounds the requests handled at the same time. Default 1024.
	Total int
	// Neighbor reports whether a peer is a neighbor in the ring. A quarter of Total is reserved for
	// neighbors; all others are strangers, who get half of the rest behind one address that isn't
	// loopback, and have to send and take the bytes of files at 16 KiB/s on average, all of one
	// peer together. Default: nobody is.
	Neighbor func(peer.ID) bool
	// Limits bound how fast files go. Default: not at all.
	Limits Limits
	// Network is the private network that askers must say to be members of where they describe
	// themselves. Zero: an open ring's.
	Network statement.NetworkID
	// May reports whether a peer of a private network may do what it asks for. Default: everybody
	// may do everything.
	May May
}

// gate returns how many requests may be handled at the same time, and of whom.
func (o ServeOptions) gate() admission.Limits {
	strangers := o.Total - o.Total/4
	return admission.Limits{PerPeer: o.PerPeer, PerAddress: max(1, strangers/2), Strangers: strangers, Total: o.Total}
}

func (o ServeOptions) withDefaults(handle time.Duration) ServeOptions {
	setDefault(&o.ReadTimeout, 10*time.Second)
	setDefault(&o.QueueTimeout, 4*time.Second)
	setDefault(&o.IdleTimeout, 2*time.Minute)
	setDefault(&o.Progress, 10*time.Second)
	setDefault(&o.SlowFor, 10*time.Second)
	setDefault(&o.HandleTimeout, handle)
	setDefault(&o.WorkingEvery, 2*time.Second)
	setDefault(&o.PerPeer, 64)
	setDefault(&o.Total, 1024)
	if o.Neighbor == nil {
		o.Neighbor = func(peer.ID) bool { return false }
	}
	return o
}

// ClientOptions bound what a Client takes and how long it waits. Zero fields take their defaults.
type ClientOptions struct {
	// DialTimeout bounds opening a stream, a connection to the peer included. Default 10 s.
	DialTimeout time.Duration
	// Timeout is how long an answer to a ring or bootstrap request may take. Default 10 s.
	Timeout time.Duration
	// Progress is how long a file request may go without a byte moving in either
	// direction; peers at work say so every 2 s. Default 10 s.
	Progress time.Duration
	// DirectWait is how long a file request waits for a direct connection to a peer
	// that is connected through a relay, before it goes through the relay. Default 3 s;
	// negative: not at all.
	DirectWait time.Duration
	// StreamsPerPeer bounds the streams to one peer in one protocol. Default 32. More requests
	// wait.
	StreamsPerPeer int
	// IdlePerPeer is how many of them stay open for the next requests. Default 4.
	IdlePerPeer int
	// IdleTimeout is how long they stay. Default 30 s.
	IdleTimeout time.Duration
	// Limits bound how fast files go. Default: not at all.
	Limits Limits
}

func (o ClientOptions) withDefaults() ClientOptions {
	setDefault(&o.DialTimeout, 10*time.Second)
	setDefault(&o.Timeout, 10*time.Second)
	setDefault(&o.Progress, 10*time.Second)
	setDefault(&o.DirectWait, 3*time.Second)
	setDefault(&o.StreamsPerPeer, 32)
	setDefault(&o.IdlePerPeer, 4)
	setDefault(&o.IdleTimeout, 30*time.Second)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// backlogLimits bound the streams of strangers on which no request is being handled.
var backlogLimits = admission.BacklogLimits{
	PerPeer: 64, PerAddress: 1024, Total: 4096,
	BytesPerPeer: 4 * MaxFileMessage, BytesInAll: 16 * MaxFileMessage, Reserved: wire.ReadBuffer,
}
