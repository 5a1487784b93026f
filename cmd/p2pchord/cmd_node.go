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
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/gateway/events"
	"github.com/p2pchord/p2pchord/gateway/metrics"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

func (a *app) nodeCommand() *cobra.Command {
	var f flags.Node
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run a peer of the ring",
		Long: `Run a peer. It joins the ring that the bootstrap peers know, or that it remembers, or founds
one, and holds its share of the files. Its addresses go to stdout.

On a terminal it shows a prompt for the verbs put, get, ls, stat, rm, status, peers, netcheck,
health, watch, verify, ring, lookup, trace, leave, and quit. SIGINT and SIGTERM do what quit
does; a second one ends the node at once.`,
		Example: example(
			"p2pchord node --bootstrap /ip4/192.0.2.1/tcp/4700/p2p/12D3KooW...",
			"p2pchord node --share ~/Shared",
			"p2pchord node --data /srv/p2pchord --capacity 100GiB --no-prompt",
		),
		Args: exactly(0, "no arguments"),
		PreRunE: func(*cobra.Command, []string) error {
			_, err := f.Config("")
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runNode(cmd, f) },
	}
	cmd.Flags().SortFlags = false
	f.Add(cmd.Flags())
	return cmd
}

func (a *app) runNode(cmd *cobra.Command, f flags.Node) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	data, err := a.dataFolder("node")
	if err != nil {
		return err
	}
	cfg, err := f.Config(data)
	if err != nil {
		return err
	}
	membudget.SetRuntimeLimit()
	if f.Share != "" {
		if err := share.Check(f.Share, cfg.Data); err != nil {
			return err
		}
	}
	if err := process.RemoveAddrFile(f.AddrFile); err != nil {
		return err
	}
	a.out.Queue()
	if err := a.logs.Set(f.LogLevel); err != nil {
		return err
	}
	given, prompted := a.isGiven(cmd, "log-level"), a.promptWanted(f) && !process.HangupIgnored()
	process.IgnoreJobControl()
	defer process.OnHangup(func() {
		if prompted { // its terminal is gone
			cancel()
			return
		}
		a.reloadLogs("node", given)
	})()
	manager := a.serviceManager()
	defer manager.Close()
	signal.Ignore(syscall.SIGPIPE) // the reader of the addresses may be gone
	hub, m := events.NewHub(), metrics.New()
	shown := &eventLog{app: a, hub: hub}
	cfg.Events = shown.show
	m.CountDroppedLines(a.out.Dropped)
	cfg.Registerer = m.Registerer()
	n, err := node.New(ctx, cfg)
	if err != nil {
		return err
	}
	peer, folder, err := a.withFolder(hub.Of(m.Of(gateway.OfNode(n))), cfg.Data, f, shown)
	if err != nil {
		return errors.Join(err, n.Close())
	}
	api, err := gateway.Serve(filepath.Join(cfg.Data, gateway.SocketName), peer, m.Handler(), hub)
	if err == nil && f.APIListen != "" {
		err = a.servePort(ctx, api, cfg.Data, f.APIListen)
	}
	if err == nil && f.Metrics != "" {
		var port *metrics.Server
		if port, err = metrics.Serve(ctx, f.Metrics, m, f.MetricsHosts...); err == nil {
			defer func() { _ = port.Close() }() // a scrape that is cut off is tried again
			a.out.Say("metrics are on http://%s/metrics", port.Addr())
		}
	}
	if err == nil {
		a.sayRing(n.PrivateNetwork())
		err = a.showReady(f.AddrFile, n.PeerID(), n.RingAddress(), n.Addrs())
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
		_ = api.Close(end) //nolint:contextcheck // the context of the node has ended; a call that is cut off gets an error
	}
	return errors.Join(err, n.Close())
}

// promptWanted reports whether the node shows a prompt.
func (a *app) promptWanted(f flags.Node) bool {
	in, ok := a.stdin.(*os.File)
	return ok && !f.NoPrompt && !a.json && console.IsTerminal(in) && a.out.ToTerminal()
}

// alive asks the node of a data folder through its socket, as a verb does.
func alive(ctx context.Context, data string) error {
	c, err := client.Dial(ctx, filepath.Join(data, gateway.SocketName), 0)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // it was only asked
	_, err = c.Health(ctx)
	return err
}

// serve returns when the node is to end or has departed.
func (a *app) serve(ctx context.Context, n *node.Node, peer gateway.Peer, folder sharedFolder, f flags.Node, manager *process.ServiceManager) error {
	var typed chan error // the error that the prompt ends with; nil without a prompt
	typing := func() bool { return false }
	if a.promptWanted(f) {
		a.out.Settle() // the prompt comes after the addresses, which are in a queue
		in := a.stdin.(*os.File)
		p := a.newPrompt(in, peer)
		defer p.Close()
		defer a.out.ShowAbove(p.Message)()
		typed, typing = make(chan error, 1), p.Busy
		go func() { // ends with the process when it waits for a key
			var err error
			contain.Restart(ctx, "the prompt", func(ctx context.Context) { err = p.Run(ctx) })
			typed <- err
		}()
	}
	select {
	case <-n.Done():
		if typing() {
			return cmp.Or(n.Err(), <-typed) // its command ends the node, and has not ended yet
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
	manager.Stopping(f.Within + answersEnd)
	if err := folder.close(); err != nil {
		a.out.Warn("%v", err)
	}
	within, cancel := context.WithTimeout(context.Background(), f.Within)
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

// eventLog shows what happens to a node: on stderr, or with --json on stdout.
type eventLog struct {
	app *app
	hub *events.Hub // for clients of the API
}

func (l *eventLog) show(e node.Event) {
	l.hub.Ring(e)
	switch {
	case l.app.json:
		l.app.out.Object(e)
	case l.app.quiet:
	default:
		l.app.out.Say("%s", eventText(e))
	}
}

func eventText(e node.Event) string {
	return e.Time.Local().Format(time.TimeOnly) + "  " + e.Text
}

// apiEvent is the JSON of the API's address besides its socket.
type apiEvent struct {
	node.Event
	URL       string `json:"url"`
	TokenFile string `json:"token_file"`
}

// servePort serves the API on a port too, and reports its address.
func (a *app) servePort(ctx context.Context, api *gateway.Server, data, addr string) error {
	if err := api.ServePort(ctx, addr); err != nil {
		return err
	}
	e := apiEvent{URL: "http://" + api.PortAddr(), TokenFile: filepath.Join(data, gateway.TokenName)}
	e.Event = node.Event{Time: time.Now(), Kind: "api", Text: "the API is on " + e.URL + ", with the token in " + e.TokenFile}
	if a.json {
		a.out.Object(e)
	} else {
		a.out.Say("%s", e.Text)
	}
	return nil
}

// sharedFolder is the folder of --share, or none.
type sharedFolder struct{ *share.Folder }

// withFolder starts to share the folder of --share, and returns the peer with it.
func (a *app) withFolder(p gateway.Peer, data string, f flags.Node, events *eventLog) (gateway.Peer, sharedFolder, error) {
	if f.Share == "" {
		return p, sharedFolder{}, nil
	}
	folder, err := share.Open(share.Config{Dir: f.Share, Data: data, Ring: p, Interval: f.ScanInterval, Copies: f.Copies, Events: events.show})
	if err != nil {
		return nil, sharedFolder{}, err
	}
	return gateway.WithFolder(p, folder), sharedFolder{folder}, nil
}

// close ends the sharing, if there is any. It may be called more than once.
func (f sharedFolder) close() error {
	if f.Folder == nil {
		return nil
	}
	return f.Close()
}
