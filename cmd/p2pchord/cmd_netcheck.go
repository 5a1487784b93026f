package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// netcheckWithin bounds a check: testers answer a failure after 15 seconds.
const netcheckWithin = 45 * time.Second

type netcheckFlags struct{ listen, announce []string }

func (a *app) netcheckCommand() *cobra.Command {
	var f netcheckFlags
	cmd := &cobra.Command{
		Use:   "netcheck",
		Short: "Check how this node and others reach each other, and explain problems",
		Long: `Check the network of this node: which of its addresses others can connect to, what kind of
router is between it and the internet and whether that opens ports, the bootstrap peers, the
relays, the attempts at direct connections, and the round-trip time to each neighbor in the
ring. Each problem is shown with its cause and its remedy. It may take 20 seconds.

If no node runs, it checks what a node would find here, with --bootstrap, --listen, and
--announce, or those of [node] in the config file.

The exit code is 0 without faults (notes are not faults), 1 with faults, and 4 when no other
peer can be reached.`,
		Example: example("p2pchord netcheck", "p2pchord netcheck --bootstrap /ip4/192.0.2.1/tcp/4700/p2p/12D3KooW..."),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.netcheck(cmd, f) },
	}
	if a.peer == nil {
		cmd.Flags().StringArrayVar(&a.bootstrap, "bootstrap", nil, "`multiaddr` of a bootstrap peer, if no node runs")
		cmd.Flags().StringArrayVar(&f.listen, "listen", nil, "`multiaddr` that a node would listen on, if none runs")
		cmd.Flags().StringArrayVar(&f.announce, "announce", nil, "further `multiaddr` at which others would reach it, if none runs")
	}
	return cmd
}

func (a *app) netcheck(cmd *cobra.Command, f netcheckFlags) error {
	a.out.StartProgress("checking the network", -1, 1)
	p, err := a.openNode(cmd)
	var n node.Netcheck
	switch {
	case err == nil:
		defer func() { _ = p.Close() }() // nothing was changed
		ctx, cancel := context.WithTimeout(cmd.Context(), netcheckWithin)
		defer cancel()
		n, err = p.Netcheck(ctx)
	case fault.CodeOf(err) == fault.Unreachable && a.peer == nil && a.api == "":
		n, err = a.netcheckOffline(cmd, f)
	}
	if err != nil {
		return err
	}
	a.out.EndProgress()
	if a.json {
		a.out.Object(n)
	} else {
		a.out.Page(view.Netcheck(n))
	}
	return netcheckVerdict(n)
}

// netcheckVerdict returns the error that a check ends with. Its results have been shown.
func netcheckVerdict(n node.Netcheck) error {
	// The first of its ring.
	lonely := n.Online && len(n.Bootstrap) == 0 && len(n.Neighbours) == 0 && n.Faults() == 0
	switch {
	case !n.Reached() && !lonely:
		return fault.New(fault.Unreachable, "no other peer can be reached: the check says why, and what to do")
	case n.Faults() > 0:
		return fault.New(fault.Failed, "%s in the network: the check says what to do", textfmt.Count(n.Faults(), "fault", "faults"))
	}
	return nil
}

// netcheckOffline checks without a node, as a node with these flags and the config file would.
func (a *app) netcheckOffline(cmd *cobra.Command, f netcheckFlags) (node.Netcheck, error) {
	settings, err := a.nodeSettings()
	if err != nil {
		return node.Netcheck{}, err
	}
	cfg := node.Config{Timeout: a.timeout}
	if data, err := a.dataFolder("node"); err == nil { // without one there are no peers to remember
		cfg.Data = data
	}
	if cfg.Bootstrap, err = flags.Multiaddrs("--bootstrap", orSettings(a.bootstrap, settings, "bootstrap"), true); err != nil {
		return node.Netcheck{}, err
	}
	if cfg.Listen, err = flags.Multiaddrs("--listen", orSettings(f.listen, settings, "listen"), false); err != nil {
		return node.Netcheck{}, err
	}
	if cfg.Announce, err = flags.Multiaddrs("--announce", orSettings(f.announce, settings, "announce"), false); err != nil {
		return node.Netcheck{}, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), netcheckWithin)
	defer cancel()
	return node.NetcheckOffline(ctx, cfg)
}

// nodeSettings returns the flags of "node", set from the environment and the config file.
func (a *app) nodeSettings() (*pflag.FlagSet, error) {
	c, _, err := a.settled("node")
	if err != nil {
		return nil, err
	}
	return c.Flags(), nil
}

// orSettings returns given, or the values of the settings if that is empty.
func orSettings(given []string, settings *pflag.FlagSet, flag string) []string {
	if len(given) > 0 {
		return given
	}
	if list, ok := settings.Lookup(flag).Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return nil
}
