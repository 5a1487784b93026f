package main

import (
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// connFlags bound the connections of a node or a bootstrap peer.
type connFlags struct{ all, perAddress int }

func (f *connFlags) add(fl *pflag.FlagSet, all, perAddress int) {
	fl.IntVar(&f.all, "connections", all, "`number` of connections that it may have")
	fl.IntVar(&f.perAddress, "connections-per-address", perAddress, "`number` of them behind one IP address")
}

func (f connFlags) check() error {
	if f.all < 1 {
		return fault.New(fault.Usage, "--connections %d: it is 1 or more", f.all)
	}
	if f.perAddress < 1 {
		return fault.New(fault.Usage, "--connections-per-address %d: it is 1 or more", f.perAddress)
	}
	return nil
}

// limitFlags bound how fast the bytes of files go to and from other peers.
type limitFlags struct{ up, down string }

func (f *limitFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.up, "limit-up", "", "`bytes` per second that files may take on their way out, like 5MiB (default no limit)")
	fl.StringVar(&f.down, "limit-down", "", "`bytes` per second that files may take on their way in (default no limit)")
}

// parse returns bytes per second, 0 for no limit.
func (f *limitFlags) parse() (up, down int64, err error) {
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
