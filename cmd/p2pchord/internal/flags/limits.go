package flags

import (
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Connections limits the connections of a node or a bootstrap peer.
type Connections struct{ all, perAddress int }

// Add defines the flags, with these defaults.
func (f *Connections) Add(fl *pflag.FlagSet, all, perAddress int) {
	fl.IntVar(&f.all, "connections", all, "maximum `number` of connections")
	fl.IntVar(&f.perAddress, "connections-per-address", perAddress, "maximum `number` of connections behind one IP address")
}

func (f Connections) check() error {
	if f.all < 1 {
		return fault.New(fault.Usage, "--connections %d: it must be 1 or more", f.all)
	}
	if f.perAddress < 1 {
		return fault.New(fault.Usage, "--connections-per-address %d: it must be 1 or more", f.perAddress)
	}
	return nil
}

// Rates limits how fast files go to and come from other peers.
type Rates struct{ up, down string }

// Add defines the flags.
func (f *Rates) Add(fl *pflag.FlagSet) {
	fl.StringVar(&f.up, "limit-up", "", "maximum `bytes` per second of outgoing files, like 5MiB (default: no limit)")
	fl.StringVar(&f.down, "limit-down", "", "maximum `bytes` per second of incoming files (default: no limit)")
}

// Parse returns bytes per second, 0 for no limit.
func (f *Rates) Parse() (up, down int64, err error) {
	for _, l := range []struct {
		flag, text string
		into       *int64
	}{{"--limit-up", f.up, &up}, {"--limit-down", f.down, &down}} {
		if l.text == "" {
			continue
		}
		if *l.into, err = textfmt.ParseSize(l.text); err != nil {
			return 0, 0, fault.New(fault.Usage, "%s: %w", l.flag, err)
		}
	}
	return up, down, nil
}
