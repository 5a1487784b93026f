package main

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/settings"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "p2pchord",
		Short: "Keep files in a ring of peers, without a server",
		Long: `p2pchord keeps files in a ring of peers, without a server.

Store a file at one peer, and fetch it from any other. Several peers hold each file, so no
file is lost when a peer crashes, leaves, or loses its network.

To see it work on this machine: p2pchord demo

"p2pchord -" runs the commands that it reads from stdin, one a line, up to the first that fails.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.rootArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return a.stdinScript(cmd)
		},
		PersistentPreRunE: a.begin,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.out.Results())
	root.SetErr(a.out.Messages())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.New(fault.Usage, "%w: see %s --help", settings.FlagError(err), cmd.CommandPath())
	})
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&a.data, "data", a.data, "data `folder` of the peer (default "+settings.Tilde(settings.DefaultData("node"))+"; bootstrap uses "+filepath.Base(settings.DefaultData("bootstrap"))+" beside it)")
	f.BoolVar(&a.json, "json", a.json, "print results and errors as JSON")
	f.BoolVar(&a.quiet, "quiet", a.quiet, "print no progress and no messages")
	f.StringVar(&a.progress, "progress", cmp.Or(a.progress, "auto"), "show progress: auto (on a terminal), on, or off")
	f.StringVar(&a.config, "config", a.config, "config `file` (default "+settings.Tilde(settings.DefaultConfig())+")")

	ring := []*cobra.Command{
		a.putCommand(), a.getCommand(), a.lsCommand(), a.statCommand(), a.rmCommand(),
		a.ringCommand(), a.lookupCommand(), a.traceCommand(),
	}
	own := []*cobra.Command{
		a.statusCommand(), a.peersCommand(), a.netcheckCommand(),
		a.healthCommand(), a.watchCommand(), a.verifyCommand(), a.leaveCommand(), a.quitCommand(),
	}
	addGroup(root, "files", "Files:", ring[:5]...)
	addGroup(root, "ring", "The ring:", append(own[:1:1], ring[5:]...)...)
	addGroup(root, "network", "The network:", own[1:3]...)
	addGroup(root, "peer", "A peer:", own[3:]...)
	root.AddCommand(a.versionCommand())
	for _, c := range slices.Concat(ring, own) {
		a.apiFlags(c.Flags())
	}
	if a.peer != nil {
		root.CompletionOptions.DisableDefaultCmd = true
		return root
	}
	a.apiFlags(root.Flags())
	for _, c := range append(ring, root) {
		c.Flags().StringArrayVar(&a.bootstrap, "bootstrap", nil, "`multiaddr` of a bootstrap peer, to use if no node runs")
	}
	for _, c := range ring[:2] {
		a.limits.Add(c.Flags())
	}
	for _, name := range []string{"api", "bootstrap", "timeout"} {
		root.Flags().Lookup(name).Hidden = true // they are for "-"; see docs/cli.md
	}
	addGroup(root, "peer", "", a.nodeCommand(), a.bootstrapCommand(), a.shellCommand())
	addGroup(root, "private", "A private ring:", a.networkCommand(), a.inviteCommand(), a.joinCommand())
	root.AddCommand(a.demoCommand(), a.configCommand(), a.manCommand())
	addExamples(root)
	shortDefaults(root)
	return root
}

// addGroup adds commands under a title of the help text.
func addGroup(root *cobra.Command, id, title string, commands ...*cobra.Command) {
	if title != "" {
		root.AddGroup(&cobra.Group{ID: id, Title: title})
	}
	for _, c := range commands {
		c.GroupID = id
		root.AddCommand(c)
	}
}

func (a *app) apiFlags(f *pflag.FlagSet) {
	f.StringVar(&a.api, "api", "", "`socket` of the node (default api.sock in --data)")
	f.DurationVar(&a.timeout, "timeout", flags.DefaultTimeout, "give up a step, or a transfer without progress, after this time")
}
