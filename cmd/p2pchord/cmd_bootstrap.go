package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
)

func (a *app) bootstrapCommand() *cobra.Command {
	var f flags.Bootstrap
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Run a bootstrap peer, through which nodes find each other",
		Long: `Run a bootstrap peer. Nodes find each other through it, and it relays for nodes that can't be
reached directly. It is not in the ring and holds no files. Its addresses go to stdout; give one
of them to nodes with --bootstrap. Peers that join and depart are shown on stderr, or with
--json on stdout.`,
		Example: example(
			"p2pchord bootstrap",
			"p2pchord bootstrap --listen /ip4/0.0.0.0/tcp/4700 --announce /dns/ring.example.org/tcp/4700",
		),
		Args: exactly(0, "no arguments"),
		PreRunE: func(*cobra.Command, []string) error {
			_, err := f.Config("")
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBootstrap(cmd, f) },
	}
	f.Add(cmd.Flags())
	return cmd
}

func (a *app) runBootstrap(cmd *cobra.Command, f flags.Bootstrap) error {
	ctx := cmd.Context()
	data, err := a.dataFolder("bootstrap")
	if err != nil {
		return err
	}
	cfg, err := f.Config(data)
	if err != nil {
		return err
	}
	if err := process.RemoveAddrFile(f.AddrFile); err != nil {
		return err
	}
	a.out.Queue()
	process.IgnoreJobControl()
	if err := a.logs.Set(f.LogLevel); err != nil {
		return err
	}
	given := a.isGiven(cmd, "log-level")
	defer process.OnHangup(func() { a.reloadLogs("bootstrap", given) })()
	manager := a.serviceManager()
	defer manager.Close()
	signal.Ignore(syscall.SIGPIPE) // the reader of the addresses may be gone
	cfg.Events, cfg.Reachable = a.showRoster, a.showReachable
	b, err := bootstrap.New(ctx, cfg)
	if err != nil {
		return err
	}
	a.sayRing(b.Network())
	if err := a.showReady(f.AddrFile, b.ID().String(), "", b.Addrs()); err != nil {
		_ = b.Close() // the first error is reported
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

// reachable is the JSON of a bootstrap peer's new public addresses.
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
		a.out.Say("p2pchord: the router has opened a port: this peer can be reached from the internet at %s", m)
	}
}
