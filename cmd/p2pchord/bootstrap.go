package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/logs"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
)

type bootstrapFlags struct {
	listen, announce []string
	heartbeat        time.Duration
	addrFile         string
	logLevel         string
	server           bool
	conns            connFlags
	relay            relayFlags
}

// The least that a relayed connection may carry and last: a block of a file has up to 32 MiB.
const (
	minRelayData     = 64 << 20
	minRelayDuration = time.Minute
)

// relayFlags bound what a bootstrap peer relays; zero takes the default.
type relayFlags struct {
	slots, slotsPerAddress, connsPerPeer int
	limit, data, perPeer, inAll          string
	duration                             time.Duration
}

func (f *relayFlags) add(fl *pflag.FlagSet) {
	d := bootstrap.DefaultRelayLimits()
	fl.StringVar(&f.limit, "relay-limit", "", "relay at most this `rate` for all together, like 10MiB a second, in equal shares (default no bound)")
	fl.IntVar(&f.slots, "relay-slots", d.Reservations, "`number` of peers that may be reached through it")
	fl.IntVar(&f.slotsPerAddress, "relay-slots-per-address", d.ReservationsPerIP, "`number` of them behind one IP address")
	fl.IntVar(&f.connsPerPeer, "relay-connections-per-peer", d.CircuitsPerPeer, "`number` of relayed connections that one peer may have")
	fl.StringVar(&f.data, "relay-data", "4GiB", "`bytes` that a relayed connection may carry each way; what is not done then goes on over a new one")
	fl.DurationVar(&f.duration, "relay-duration", d.Duration, "how long a relayed connection may last; then a new one is made")
	fl.StringVar(&f.perPeer, "relay-data-per-peer", "64GiB", "`bytes` that one peer may send through it at once, and a day on average; beyond that it is slowed down")
	fl.StringVar(&f.inAll, "relay-data-in-all", "512GiB", "`bytes` that all peers together may send through it at once, and a day on average")
}

func (f relayFlags) parse() (l bootstrap.RelayLimits, err error) {
	for _, v := range []struct {
		name  string
		value int
	}{{"relay-slots", f.slots}, {"relay-slots-per-address", f.slotsPerAddress}, {"relay-connections-per-peer", f.connsPerPeer}} {
		if v.value < 1 {
			return l, fault.New(fault.Usage, "--%s %d: it is 1 or more", v.name, v.value)
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
		return l, fault.New(fault.Usage, "--relay-data %s: it is 64MiB or more, or no block of a file would get through", f.data)
	}
	if f.duration < minRelayDuration {
		return l, fault.New(fault.Usage, "--relay-duration %v: it is %v or more", f.duration, minRelayDuration)
	}
	l.Duration = f.duration
	l.Reservations, l.ReservationsPerIP, l.CircuitsPerPeer = f.slots, f.slotsPerAddress, f.connsPerPeer
	return l, nil
}

func (a *app) bootstrapCommand() *cobra.Command {
	var f bootstrapFlags
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Run a bootstrap peer, through which nodes find each other",
		Long: `Run a bootstrap peer: nodes find each other through it, and it relays for those that
can't be reached directly. It is not in the ring and holds no files. Its addresses go to
stdout; give one of them to nodes as --bootstrap. Peers that join and depart are shown
on stderr, or with --json on stdout.`,
		Example: example(
			"p2pchord bootstrap",
			"p2pchord bootstrap --listen /ip4/0.0.0.0/tcp/4700 --announce /dns/ring.example.org/tcp/4700",
		),
		Args: exactly(0, "no arguments"),
		PreRunE: func(*cobra.Command, []string) error {
			_, err := f.config("")
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBootstrap(cmd, f) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.listen, "listen", nil, "`multiaddr` to listen on (default port 4700, TCP and QUIC, on all interfaces)")
	fl.StringArrayVar(&f.announce, "announce", nil, "further `multiaddr` under which others reach it")
	fl.DurationVar(&f.heartbeat, "heartbeat", 3*time.Second, "how often nodes have to say that they live")
	f.conns.add(fl, bootstrap.DefaultConnections, bootstrap.DefaultConnectionsPerAddress)
	f.relay.add(fl)
	fl.BoolVar(&f.server, "server", false, serverUsage)
	fl.StringVar(&f.addrFile, "addr-file", "", "put the addresses into `file` once it is ready")
	fl.StringVar(&f.logLevel, "log-level", "", logs.LevelUsage)
	return cmd
}

// config checks the flags and makes them a bootstrap peer's.
func (f bootstrapFlags) config(data string) (c bootstrap.Config, err error) {
	c = bootstrap.Config{
		Data: data, Heartbeat: f.heartbeat, Server: f.server,
		Connections: f.conns.all, ConnectionsPerAddress: f.conns.perAddress,
	}
	if err := f.conns.check(); err != nil {
		return c, err
	}
	if c.Relay, err = f.relay.parse(); err != nil {
		return c, err
	}
	if c.Listen, err = parseMultiaddrs("--listen", f.listen, false); err != nil {
		return c, err
	}
	if c.Announce, err = parseMultiaddrs("--announce", f.announce, false); err != nil {
		return c, err
	}
	if f.logLevel != "" {
		if _, _, err := logs.ParseLevels(f.logLevel); err != nil {
			return c, err
		}
	}
	if f.heartbeat <= 0 {
		return c, fault.New(fault.Usage, "--heartbeat %v: it is a time like 3s", f.heartbeat)
	}
	return c, nil
}

func (a *app) runBootstrap(cmd *cobra.Command, f bootstrapFlags) error {
	ctx := cmd.Context()
	data, err := a.dataFolder("bootstrap")
	if err != nil {
		return err
	}
	cfg, err := f.config(data)
	if err != nil {
		return err
	}
	if err := process.RemoveAddrFile(f.addrFile); err != nil {
		return err
	}
	a.out.Queue()
	process.IgnoreJobControl()
	if err := a.logs.Set(f.logLevel); err != nil {
		return err
	}
	given := a.isGiven(cmd, "log-level")
	defer process.OnHangup(func() { a.reloadLogs("bootstrap", given) })()
	manager := a.serviceManager()
	defer manager.Close()
	signal.Ignore(syscall.SIGPIPE) // who read the addresses may be gone
	cfg.Events, cfg.Reachable = a.showRoster, a.showReachable
	b, err := bootstrap.New(ctx, cfg)
	if err != nil {
		return err
	}
	if err := a.showReady(f.addrFile, b.ID().String(), "", b.Addrs()); err != nil {
		_ = b.Close() // the first failure is the one to tell
		return err
	}
	manager.Ready("serves as "+b.ID().String(), func(context.Context) error { return nil })
	<-ctx.Done()
	manager.Stopping(answersEnd)
	return b.Close()
}

func (a *app) showRoster(e bootstrap.Event) {
	if a.json {
		a.out.Object(e)
		return
	}
	if e.Kind == bootstrap.EventDropped {
		a.out.Warn("%s", console.DroppedText(e.Dropped))
		return
	}
	where := e.RingAddress
	if where == "" && len(e.Addrs) > 0 {
		where = e.Addrs[0]
	}
	a.out.Say("%s  %s  %s  key %d  %s", e.Time.Local().Format(time.TimeOnly), e.Kind, e.PeerID, e.Key, where)
}

// reachable is a line with --json of a bootstrap peer that has got public addresses since its start.
type reachable struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	Addrs []string  `json:"addrs"`
}

func (a *app) showReachable(addrs []ma.Multiaddr) {
	if a.json {
		a.out.Object(reachable{time.Now(), "reachable", process.Texts(addrs)})
		return
	}
	for _, m := range addrs {
		a.out.Say("p2pchord: the router has opened a port: reachable from the internet at %s", m)
	}
}
