package relays

import (
	"time"

	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
)

// Limits bound a host's relay service. The defaults are made for files, and for a classroom whose
// peers all come from one address. libp2p's own are made for strangers: 128 KiB and two minutes a
// circuit, 8 reservations an address.
type Limits struct {
	// Reservations is how many peers may hold a relay slot. Default 1,024.
	Reservations int
	// ReservationsPerIP bounds those from one IP address. Default 256.
	ReservationsPerIP int
	// ReservationsPerASN bounds those from one IPv6 network operator. Default 1,024.
	ReservationsPerASN int
	// CircuitsPerPeer is how many relayed connections one peer may have. Default 64.
	CircuitsPerPeer int
	// BufferBytes is the buffer of a circuit, one for each direction. Default 16 KiB:
	// half of it costs throughput, four times it gains none.
	BufferBytes int
	// DataBytes is what a circuit may carry in each direction. Default 4 GiB. It is never
	// "unlimited": only a limited connection tells libp2p that a direct one is still wanted. A
	// transfer that is not done then goes on over a new circuit.
	DataBytes int64
	// Duration is how long a circuit may last. Default 4 h.
	Duration time.Duration
	// PeerBytesPerDay and BytesPerDay are what one peer, and all of them together, may send through
	// the relay at once, and in a day on average. Beyond that they are slowed down to that average,
	// not cut off: a peer that can be reached only through the relay stays in its ring. Default 64
	// GiB and 512 GiB.
	PeerBytesPerDay, BytesPerDay int64
	// ReservationTTL is how long a slot is held without renewal. Default 1 h.
	ReservationTTL time.Duration
	// BytesPerSecond bounds what the relay carries, all circuits and both directions together;
	// peers that send at the same time get equal shares of it. Default 0: no bound.
	BytesPerSecond int64
}

// DefaultLimits returns the defaults described at Limits.
func DefaultLimits() Limits {
	return Limits{
		Reservations:       1024,
		ReservationsPerIP:  256,
		ReservationsPerASN: 1024,
		CircuitsPerPeer:    64,
		BufferBytes:        16 << 10,
		DataBytes:          4 << 30,
		Duration:           4 * time.Hour,
		PeerBytesPerDay:    64 << 30,
		BytesPerDay:        512 << 30,
		ReservationTTL:     time.Hour,
	}
}

// WithDefaults returns l with the default in the place of every field that is not positive.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Reservations:       positive(l.Reservations, d.Reservations),
		ReservationsPerIP:  positive(l.ReservationsPerIP, d.ReservationsPerIP),
		ReservationsPerASN: positive(l.ReservationsPerASN, d.ReservationsPerASN),
		CircuitsPerPeer:    positive(l.CircuitsPerPeer, d.CircuitsPerPeer),
		BufferBytes:        positive(l.BufferBytes, d.BufferBytes),
		DataBytes:          positive(l.DataBytes, d.DataBytes),
		Duration:           positive(l.Duration, d.Duration),
		ReservationTTL:     positive(l.ReservationTTL, d.ReservationTTL),
		PeerBytesPerDay:    positive(l.PeerBytesPerDay, d.PeerBytesPerDay),
		BytesPerDay:        positive(l.BytesPerDay, d.BytesPerDay),
		BytesPerSecond:     max(l.BytesPerSecond, 0),
	}
}

func positive[T ~int | ~int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

func (l Limits) resources() relay.Resources {
	return relay.Resources{
		Limit:                 &relay.RelayLimit{Duration: l.Duration, Data: l.DataBytes},
		ReservationTTL:        l.ReservationTTL,
		MaxReservations:       l.Reservations,
		MaxCircuits:           l.CircuitsPerPeer,
		BufferSize:            l.BufferBytes,
		MaxReservationsPerIP:  l.ReservationsPerIP,
		MaxReservationsPerASN: l.ReservationsPerASN,
	}
}
