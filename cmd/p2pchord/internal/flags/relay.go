package flags

import (
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// The least that a relayed connection may carry and last: a block of a file has up to 32 MiB.
const (
	minRelayData     = 64 << 20
	minRelayDuration = time.Minute
)

// Relay bound what a bootstrap peer relays; zero takes the default.
type Relay struct {
	slots, slotsPerAddress, connsPerPeer int
	limit, data, perPeer, inAll          string
	duration                             time.Duration
}

// Add defines the flags.
func (f *Relay) Add(fl *pflag.FlagSet) {
	d := bootstrap.DefaultRelayLimits()
	fl.StringVar(&f.limit, "relay-limit", "", "relay at most this `rate` for all peers together, like 10MiB a second, in equal shares (default: no limit)")
	fl.IntVar(&f.slots, "relay-slots", d.Reservations, "`number` of peers that may be reached through it")
	fl.IntVar(&f.slotsPerAddress, "relay-slots-per-address", d.ReservationsPerIP, "`number` of them behind one IP address")
	fl.IntVar(&f.connsPerPeer, "relay-connections-per-peer", d.CircuitsPerPeer, "`number` of relayed connections that one peer may have")
	fl.StringVar(&f.data, "relay-data", gibibytes(d.DataBytes), "`bytes` that a relayed connection may carry each way; transfers continue over a new one")
	fl.DurationVar(&f.duration, "relay-duration", d.Duration, "how long a relayed connection may last; transfers continue over a new one")
	fl.StringVar(&f.perPeer, "relay-data-per-peer", gibibytes(d.PeerBytesPerDay), "`bytes` that one peer may send through it at once, and in a day on average; beyond that it is slowed down")
	fl.StringVar(&f.inAll, "relay-data-in-all", gibibytes(d.BytesPerDay), "`bytes` that all peers together may send through it at once, and in a day on average")
}

// gibibytes writes a size that is a whole number of GiB as the flags take it.
func gibibytes(n int64) string { return strconv.FormatInt(n>>30, 10) + "GiB" }

// Parse checks the flags and returns the limits.
func (f Relay) Parse() (l bootstrap.RelayLimits, err error) {
	for _, v := range []struct {
		name  string
		value int
	}{{"relay-slots", f.slots}, {"relay-slots-per-address", f.slotsPerAddress}, {"relay-connections-per-peer", f.connsPerPeer}} {
		if v.value < 1 {
			return l, fault.New(fault.Usage, "--%s %d: it must be 1 or more", v.name, v.value)
		}
	}
	for _, v := range []struct {
		name, text string
		into       *int64
	}{
		{"relay-limit", f.limit, &l.BytesPerSecond},
		{"relay-data", f.data, &l.DataBytes},
		{"relay-data-per-peer", f.perPeer, &l.PeerBytesPerDay},
		{"relay-data-in-all", f.inAll, &l.BytesPerDay},
	} {
		if v.text == "" {
			continue
		}
		if *v.into, err = textfmt.ParseSize(v.text); err != nil {
			return l, fault.New(fault.Usage, "--%s: %w", v.name, err)
		}
	}
	if l.DataBytes < minRelayData {
		return l, fault.New(fault.Usage, "--relay-data %s: it must be 64MiB or more, or no block of a file would get through", f.data)
	}
	if f.duration < minRelayDuration {
		return l, fault.New(fault.Usage, "--relay-duration %v: it must be %v or more", f.duration, minRelayDuration)
	}
	l.Duration = f.duration
	l.Reservations, l.ReservationsPerIP, l.CircuitsPerPeer = f.slots, f.slotsPerAddress, f.connsPerPeer
	return l, nil
}
