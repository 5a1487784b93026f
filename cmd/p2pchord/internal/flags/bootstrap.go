package flags

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/logs"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Bootstrap is the flags of a bootstrap peer.
type Bootstrap struct {
	listen, announce []string
	heartbeat        time.Duration
	AddrFile         string
	network          string
	LogLevel         string
	server           bool
	conns            Connections
	relay            Relay
}

// Add defines the flags of a bootstrap peer.
func (f *Bootstrap) Add(fl *pflag.FlagSet) {
	fl.StringArrayVar(&f.listen, "listen", nil, "`multiaddr` to listen on (default port 4700, TCP and QUIC, on all interfaces)")
	fl.StringArrayVar(&f.announce, "announce", nil, "further `multiaddr` at which others reach it")
	fl.StringVar(&f.network, "network", "", "serve the members of the private network with this `ID` only")
	fl.DurationVar(&f.heartbeat, "heartbeat", 3*time.Second, "how often nodes must report that they are alive")
	f.conns.Add(fl, bootstrap.DefaultConnections, bootstrap.DefaultConnectionsPerAddress)
	f.relay.Add(fl)
	fl.BoolVar(&f.server, "server", false, serverUsage)
	fl.StringVar(&f.AddrFile, "addr-file", "", "write the addresses to `file` once it is ready")
	fl.StringVar(&f.LogLevel, "log-level", "", logs.LevelUsage)
}

// Config checks the flags and makes the configuration of a bootstrap peer of them.
func (f Bootstrap) Config(data string) (c bootstrap.Config, err error) {
	c = bootstrap.Config{
		Data: data, Heartbeat: f.heartbeat, Server: f.server,
		Connections: f.conns.all, ConnectionsPerAddress: f.conns.perAddress,
	}
	if err := f.conns.check(); err != nil {
		return c, err
	}
	if f.network != "" {
		if c.Network, err = statement.ParseNetworkID(f.network); err != nil {
			return c, fault.New(fault.Usage, "--network: %w", err)
		}
	}
	if c.Relay, err = f.relay.Parse(); err != nil {
		return c, err
	}
	if c.Listen, err = Multiaddrs("--listen", f.listen, false); err != nil {
		return c, err
	}
	if c.Announce, err = Multiaddrs("--announce", f.announce, false); err != nil {
		return c, err
	}
	if f.LogLevel != "" {
		if _, _, err := logs.ParseLevels(f.LogLevel); err != nil {
			return c, err
		}
	}
	if f.heartbeat <= 0 {
		return c, fault.New(fault.Usage, "--heartbeat %v: it must be a time like 3s", f.heartbeat)
	}
	return c, nil
}
