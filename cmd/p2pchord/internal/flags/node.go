package flags

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/logs"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/metrics"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// DefaultTimeout is how long a step may take.
const DefaultTimeout = 10 * time.Second

// defaultCopies is how many copies a file gets unless a put asks for another number.
const defaultCopies = 3

// serverUsage is the help of --server.
const serverUsage = "this is a rented host: dial and announce no address of a local network, and ask no router for a port"

// Node is the flags of a node.
type Node struct {
	bootstrap, listen, announce []string
	ringAddress                 string
	Copies                      int
	capacity, memory            string
	limits                      Rates
	conns                       Connections
	heartbeat, timeout, Within  time.Duration
	mdns, NoPrompt, server      bool
	AddrFile, LogLevel, Metrics string
	MetricsHosts                []string
	Share, APIListen            string
	ScanInterval                time.Duration
}

// Add defines the flags of a node.
func (f *Node) Add(fl *pflag.FlagSet) {
	fl.StringArrayVar(&f.bootstrap, "bootstrap", nil, "`multiaddr` of a bootstrap peer, with its /p2p/ID")
	fl.StringArrayVar(&f.listen, "listen", nil, "`multiaddr` to listen on (default port 4701, TCP and QUIC, on all interfaces, or a free port)")
	fl.StringArrayVar(&f.announce, "announce", nil, "further `multiaddr` at which others reach it")
	fl.StringVar(&f.ringAddress, "ring-address", "", "`HOST:PORT` whose hash is the node's key (default: the hash of the peer ID)")
	fl.StringVar(&f.Share, "share", "", "store files that are dropped into `folder` automatically; deleting one there deletes nothing in the ring")
	fl.DurationVar(&f.ScanInterval, "scan-interval", share.DefaultInterval, "how often that folder is scanned, in addition to the changes that the system reports")
	fl.IntVar(&f.Copies, "copies", defaultCopies, "`number` of copies of a file, 1 to 8")
	fl.StringVar(&f.capacity, "capacity", "", "maximum `size` of what it stores, like 100GiB (default: the space on the disk)")
	fl.StringVar(&f.memory, "memory", "", "`size` of memory for the blocks of all transfers and repairs together, like 64MiB (default: an eighth of the machine's, 24MiB to 64MiB)")
	f.limits.Add(fl)
	f.conns.Add(fl, node.DefaultConnections, node.DefaultConnectionsPerAddress)
	fl.DurationVar(&f.heartbeat, "heartbeat", 3*time.Second, "how often neighbors are checked")
	fl.DurationVar(&f.timeout, "timeout", DefaultTimeout, "give up a step, or a transfer without progress, after this time")
	fl.DurationVar(&f.Within, "within", gateway.DefaultWithin, "how long handing over may take when a signal ends the node")
	fl.BoolVar(&f.mdns, "mdns", true, "find peers on the local network")
	fl.BoolVar(&f.server, "server", false, serverUsage)
	fl.BoolVar(&f.NoPrompt, "no-prompt", false, "show no prompt, even on a terminal")
	fl.StringVar(&f.AddrFile, "addr-file", "", "write the addresses to `file` once it is ready")
	fl.StringVar(&f.Metrics, "metrics", "", "serve /metrics for Prometheus on `PORT or HOST:PORT`; without HOST only this machine can reach it")
	fl.StringArrayVar(&f.MetricsHosts, "metrics-host", nil, "host `name` that Prometheus uses for --metrics, besides this machine's own name and addresses")
	fl.StringVar(&f.APIListen, "api-listen", "", "serve the API on a loopback `PORT or HOST:PORT` too, for clients with the token in the data folder's "+gateway.TokenName)
	fl.StringVar(&f.LogLevel, "log-level", "", logs.LevelUsage)
}

// Config checks the flags and makes the configuration of a node of them.
func (f Node) Config(data string) (c node.Config, err error) {
	c = node.Config{
		Data: data, RingAddress: f.ringAddress, Copies: f.Copies,
		Heartbeat: f.heartbeat, Timeout: f.timeout, MDNS: f.mdns, Server: f.server,
		Connections: f.conns.all, ConnectionsPerAddress: f.conns.perAddress,
	}
	if err := f.conns.check(); err != nil {
		return c, err
	}
	if c.Bootstrap, err = Multiaddrs("--bootstrap", f.bootstrap, true); err != nil {
		return c, err
	}
	if c.Listen, err = Multiaddrs("--listen", f.listen, false); err != nil {
		return c, err
	}
	if c.Announce, err = Multiaddrs("--announce", f.announce, false); err != nil {
		return c, err
	}
	if f.capacity != "" {
		if c.CapacityBytes, err = textfmt.ParseSize(f.capacity); err != nil {
			return c, fault.New(fault.Usage, "--capacity: %w", err)
		}
	}
	if f.memory != "" {
		if c.MemoryBytes, err = textfmt.ParseSize(f.memory); err != nil {
			return c, fault.New(fault.Usage, "--memory: %w", err)
		}
		if c.MemoryBytes < node.MinMemory {
			return c, fault.New(fault.Usage, "--memory %s: it must be %dMiB or more", f.memory, node.MinMemory>>20)
		}
	}
	if c.LimitUp, c.LimitDown, err = f.limits.Parse(); err != nil {
		return c, err
	}
	if f.LogLevel != "" {
		if _, _, err := logs.ParseLevels(f.LogLevel); err != nil {
			return c, err
		}
	}
	if f.Metrics != "" {
		if err := metrics.CheckAddr(f.Metrics); err != nil {
			return c, fault.New(fault.Usage, "--metrics: %w", err)
		}
	}
	for _, name := range f.MetricsHosts {
		if err := metrics.CheckHost(name); err != nil {
			return c, fault.New(fault.Usage, "--metrics-host: %w", err)
		}
	}
	if f.APIListen != "" {
		if err := gateway.CheckAPIAddr(f.APIListen); err != nil {
			return c, fault.New(fault.Usage, "--api-listen: %w", err)
		}
	}
	if f.ScanInterval <= 0 {
		return c, fault.New(fault.Usage, "--scan-interval %v: it must be a time like 5s", f.ScanInterval)
	}
	switch {
	case f.Copies < 1 || f.Copies > 8:
		return c, fault.New(fault.Usage, "--copies %d: it must be 1 to 8", f.Copies)
	case f.heartbeat <= 0 || f.timeout <= 0 || f.Within < 0:
		return c, fault.New(fault.Usage, "--heartbeat, --timeout, and --within must be times like 10s")
	}
	return c, nil
}
