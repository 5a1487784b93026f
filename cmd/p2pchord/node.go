package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/logs"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

type nodeFlags struct {
	bootstrap, listen, announce []string
	ringAddress                 string
	copies                      int
	capacity, memory            string
	limits                      limitFlags
	conns                       connFlags
	heartbeat, timeout, within  time.Duration
	mdns, noPrompt, server      bool
	addrFile, logLevel, metrics string
	metricsHosts                []string
	share, apiListen            string
	scanInterval                time.Duration
}

func (a *app) nodeCommand() *cobra.Command {
	var f nodeFlags
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run a peer of the ring",
		Long: `Run a peer: it joins the ring that the bootstrap peers know, or that it remembers,
or founds one, and holds its share of the files. Its addresses go to stdout.

On a terminal it shows a prompt that takes the verbs put, get, ls, stat, rm, status,
peers, netcheck, health, watch, verify, ring, lookup, trace, leave and quit. SIGINT and SIGTERM do what quit does; a second ends it at once.`,
		Example: example(
			"p2pchord node --bootstrap /ip4/192.0.2.1/tcp/4700/p2p/12D3KooW...",
			"p2pchord node --share ~/Shared",
			"p2pchord node --data /srv/p2pchord --capacity 100GiB --no-prompt",
		),
		Args: exactly(0, "no arguments"),
		PreRunE: func(*cobra.Command, []string) error {
			_, err := f.config("")
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runNode(cmd, f) },
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringArrayVar(&f.bootstrap, "bootstrap", nil, "`multiaddr` of a bootstrap peer, with its /p2p/ID")
	fl.StringArrayVar(&f.listen, "listen", nil, "`multiaddr` to listen on (default port 4701, TCP and QUIC, on all interfaces, or a free port)")
	fl.StringArrayVar(&f.announce, "announce", nil, "further `multiaddr` under which others reach it")
	fl.StringVar(&f.ringAddress, "ring-address", "", "`HOST:PORT` whose hash is the node's key (default the peer ID's)")
	fl.StringVar(&f.share, "share", "", "store what is dropped into `folder` by itself; nothing is deleted from the ring when it vanishes there")
	fl.DurationVar(&f.scanInterval, "scan-interval", share.DefaultInterval, "how often all of that folder is looked at, beside what the system tells of")
	fl.IntVar(&f.copies, "copies", defaultCopies, "on how many peers a file is to be, 1 to 8")
	fl.StringVar(&f.capacity, "capacity", "", "`size` that it stores at most, like 100GiB (default what the disk has)")
	fl.StringVar(&f.memory, "memory", "", "`size` of memory for the blocks of all transfers and repairs together, like 64MiB (default an eighth of what there is, 24MiB to 64MiB)")
	f.limits.add(fl)
	f.conns.add(fl, node.DefaultConnections, node.DefaultConnectionsPerAddress)
	fl.DurationVar(&f.heartbeat, "heartbeat", 3*time.Second, "how often neighbours are checked")
	fl.DurationVar(&f.timeout, "timeout", defaultTimeout, "give up a step, or a transfer, in which nothing moves for so long")
	fl.DurationVar(&f.within, "within", gateway.DefaultWithin, "how long handing over may take when a signal ends it")
	fl.BoolVar(&f.mdns, "mdns", true, "find peers on the local network by themselves")
	fl.BoolVar(&f.server, "server", false, serverUsage)
	fl.BoolVar(&f.noPrompt, "no-prompt", false, "show no prompt, even on a terminal")
	fl.StringVar(&f.addrFile, "addr-file", "", "put the addresses into `file` once it is ready")
	fl.StringVar(&f.metrics, "metrics", "", "serve /metrics for Prometheus on `PORT or HOST:PORT`; without HOST only this machine can reach it")
	fl.StringArrayVar(&f.metricsHosts, "metrics-host", nil, "`name` under which Prometheus asks for --metrics, beside this machine's own name and addresses")
	fl.StringVar(&f.apiListen, "api-listen", "", "serve the API on the loopback `PORT or HOST:PORT` too, for who has the token in the data folder's "+gateway.TokenName)
	fl.StringVar(&f.logLevel, "log-level", "", logs.LevelUsage)
	return cmd
}

// config checks the flags and makes them a node's.
func (f nodeFlags) config(data string) (c node.Config, err error) {
	c = node.Config{
		Data: data, RingAddress: f.ringAddress, Copies: f.copies,
		Heartbeat: f.heartbeat, Timeout: f.timeout, MDNS: f.mdns, Server: f.server,
		Connections: f.conns.all, ConnectionsPerAddress: f.conns.perAddress,
	}
	if err := f.conns.check(); err != nil {
		return c, err
	}
	if c.Bootstrap, err = parseMultiaddrs("--bootstrap", f.bootstrap, true); err != nil {
		return c, err
	}
	if c.Listen, err = parseMultiaddrs("--listen", f.listen, false); err != nil {
		return c, err
	}
	if c.Announce, err = parseMultiaddrs("--announce", f.announce, false); err != nil {
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
			return c, fault.New(fault.Usage, "--memory %s: it is %dMiB or more", f.memory, node.MinMemory>>20)
		}
	}
	if c.LimitUp, c.LimitDown, err = f.limits.parse(); err != nil {
		return c, err
	}
	if f.logLevel != "" {
		if _, _, err := logs.ParseLevels(f.logLevel); err != nil {
			return c, err
		}
	}
	if f.metrics != "" {
		if err := gateway.CheckMetricsAddr(f.metrics); err != nil {
			return c, fault.New(fault.Usage, "--metrics: %w", err)
		}
	}
	for _, name := range f.metricsHosts {
		if err := gateway.CheckMetricsHost(name); err != nil {
			return c, fault.New(fault.Usage, "--metrics-host: %w", err)
		}
	}
	if f.apiListen != "" {
		if err := gateway.CheckAPIAddr(f.apiListen); err != nil {
			return c, fault.New(fault.Usage, "--api-listen: %w", err)
		}
	}
	if f.scanInterval <= 0 {
		return c, fault.New(fault.Usage, "--scan-interval %v: it is a time like 5s", f.scanInterval)
	}
	switch {
	case f.copies < 1 || f.copies > 8:
		return c, fault.New(fault.Usage, "--copies %d: it is 1 to 8", f.copies)
	case f.heartbeat <= 0 || f.timeout <= 0 || f.within < 0:
		return c, fault.New(fault.Usage, "--heartbeat, --timeout and --within are times like 10s")
	}
	return c, nil
}

func (a *app) runNode(cmd *cobra.Command, f nodeFlags) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	data, err := a.dataFolder("node")
	if err != nil {
		return err
	}
	cfg, err := f.config(data)
	if err != nil {
		return err
	}
	membudget.SetRuntimeLimit()
	if f.share != "" {
		if err := share.Check(f.share, cfg.Data); err != nil {
			return err
		}
	}
	if err := process.RemoveAddrFile(f.addrFile); err != nil {
		return err
	}
	a.out.Queue()
	if err := a.logs.Set(f.logLevel); err != nil {
		return err
	}
	given, prompted := a.isGiven(cmd, "log-level"), a.promptWanted(f) && !process.HangupIgnored()
	process.IgnoreJobControl()
	defer process.OnHangup(func() {
		if prompted { // its terminal has gone, and with it who typed
			cancel()
			return
		}
		a.reloadLogs("node", given)
	})()
	manager := a.serviceManager()
	defer manager.Close()
	signal.Ignore(syscall.SIGPIPE) // who read the addresses may be gone
	heard := gateway.NewEvents()
	events := &eventLog{app: a, heard: heard}
	cfg.Events = events.show
	metrics := gateway.NewMetrics()
	metrics.CountDroppedLines(a.out.Dropped)
	cfg.Registerer = metrics.Registerer()
	n, err := node.New(ctx, cfg)
	if err != nil {
		return err
	}
	peer, folder, err := a.withFolder(heard.Of(metrics.Of(gateway.OfNode(n))), cfg.Data, f, events)
	if err != nil {
		return errors.Join(err, n.Close())
	}
	api, err := gateway.Serve(filepath.Join(cfg.Data, gateway.SocketName), peer, metrics, heard)
	if err == nil && f.apiListen != "" {
		err = a.servePort(ctx, api, cfg.Data, f.apiListen)
	}
	if err == nil && f.metrics != "" {
		var port *gateway.MetricsServer
		if port, err = gateway.ServeMetrics(ctx, f.metrics, metrics, f.metricsHosts...); err == nil {
			defer func() { _ = port.Close() }() // a scrape that is cut off is tried again
			a.out.Say("metrics are on http://%s/metrics", port.Addr())
		}
	}
	if err == nil {
		err = a.showReady(f.addrFile, n.PeerID(), n.RingAddress(), n.Addrs())
	}
	if err == nil {
		manager.Ready("serves as "+n.PeerID(), func(ctx context.Context) error { return alive(ctx, cfg.Data) })
		err = a.serve(ctx, n, peer, folder, f, manager)
		manager.Stopping(answersEnd)
	}
	err = errors.Join(err, folder.close())
	if api != nil {
		end, cancel := context.WithTimeout(context.Background(), answersEnd)
		defer cancel()
		_ = api.Close(end) //nolint:contextcheck // the node ends because its context has; a call that didn't end in time has been cut off, and its client told so
	}
	return errors.Join(err, n.Close())
}

// promptWanted tells whether the node shows a prompt.
func (a *app) promptWanted(f nodeFlags) bool {
	in, ok := a.stdin.(*os.File)
	return ok && !f.noPrompt && !a.json && console.IsTerminal(in) && a.out.ToTerminal()
}

// alive asks the node of a data folder through its socket, as a verb would.
func alive(ctx context.Context, data string) error {
	c, err := gateway.Dial(ctx, filepath.Join(data, gateway.SocketName), 0)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // it was only asked
	_, err = c.Health(ctx)
	return err
}

// serve returns when the node is to end or has gone.
func (a *app) serve(ctx context.Context, n *node.Node, peer gateway.Peer, folder sharedFolder, f nodeFlags, manager *process.ServiceManager) error {
	var typed chan error // what the prompt ends with; never, without one
	typing := func() bool { return false }
	if a.promptWanted(f) {
		a.out.Settle() // the prompt comes after the addresses, which are in a queue
		in := a.stdin.(*os.File)
		p := newPrompt(a, in, peer, a.historyFile())
		defer p.close()
		defer a.out.ShowAbove(p.message)()
		typed, typing = make(chan error, 1), p.running.Load
		go func() { // ends with the process when it waits for a key
			var err error
			contain.Restart(ctx, "the prompt", func(ctx context.Context) { err = p.run(ctx) })
			typed <- err
		}()
	}
	select {
	case <-n.Done():
		if typing() {
			return cmp.Or(n.Err(), <-typed) // its command is what ends the node, and has not ended itself
		}
		return n.Err()
	case err := <-typed:
		select {
		case <-n.Done(): // its last command was quit or leave
			return err
		default:
		}
	case <-ctx.Done():
	}
	manager.Stopping(f.within + answersEnd)
	if err := folder.close(); err != nil {
		a.out.Warn("%v", err)
	}
	within, cancel := context.WithTimeout(context.Background(), f.within)
	defer cancel()
	err := n.Quit(within, func(h node.HandOver) { //nolint:contextcheck // the context has ended: that is why the node quits
		if h.Error != "" {
			a.out.Say("%s  stays here: %s", h.Name, h.Error)
			return
		}
		a.out.Say("%s  handed over to %s", h.Name, h.To)
	})
	return a.afterQuit(err)
}

// afterQuit says what a node that quits could not do. That some files have fewer
// copies until it is back is no failure: they are kept.
func (a *app) afterQuit(err error) error {
	if fault.CodeOf(err) == fault.FewerCopies {
		a.out.Warn("%v", err)
		return nil
	}
	if err != nil {
		a.out.Failure(err)
		return errReported{gateway.ProblemOf(err).Code}
	}
	return nil
}
