package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/logs"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/prompt"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/settings"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/userfiles"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// app is what the verbs of one command line share.
type app struct {
	stdin     io.Reader
	out       *console.Output
	lookupEnv func(string) (string, bool)
	signals   *process.Signals
	// peer is what the verbs of a prompt or a script work on, a gateway.Peer when it is
	// a node; nil outside of one.
	peer gateway.Ring

	// The flags that every verb has.
	json     bool
	quiet    bool
	progress string
	config   string
	data     string
	// The flags of the verbs that work on a ring.
	api       string
	bootstrap []string
	timeout   time.Duration
	limits    flags.Rates // of a client that passes through

	// origins says where each flag has its value from that is neither its default nor given.
	origins map[string]string

	logs *logs.Logs // of a command that runs on

	warnedConfig bool // that a config file can't be read

	begun    bool // the command line was right, and its verb has begun
	departed bool // the verb has ended the node
}

// errReported ends a verb whose errors have been shown already.
type errReported struct{ code fault.Code }

func (e errReported) Error() string { return string(e.code) }
func (e errReported) Unwrap() error { return e.code }

// run carries out one command line and returns its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	if code := a.execute(ctx, args); code != "" {
		return code.Exit()
	}
	return 0
}

// execute carries out one command line, shows its error, and returns the error's
// kind, empty when there is none.
func (a *app) execute(ctx context.Context, args []string) fault.Code {
	a.out.JSON = a.json || wantsJSON(args, a.lookupEnv)
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if a.out.Settle() {
		a.out.EndProgress()
	}
	defer a.out.Settle()
	if lost := a.out.TakeLost(); err == nil {
		err = userfiles.WriteError("stdout", lost)
	}
	var reported errReported
	switch {
	case err == nil:
		return ""
	case errors.As(err, &reported):
		return reported.code
	}
	if !a.begun && fault.CodeOf(err) == fault.Failed {
		err = fault.New(fault.Usage, "%w", err) // cobra's own words
	}
	if ctx.Err() != nil {
		err = fault.New(fault.Interrupted, "interrupted")
	}
	a.out.Failure(err)
	return gateway.ProblemOf(err).Code
}

// wantsJSON tells how errors are to be shown before the flags are understood.
func wantsJSON(args []string, lookupEnv func(string) (string, bool)) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	for _, arg := range args {
		if arg == "--json" || arg == "--json=true" {
			return true
		}
	}
	v, _ := lookupEnv("P2PCHORD_JSON")
	return v == "true" || v == "1"
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "p2pchord",
		Short: "Keep files in a ring of peers, without a server",
		Long: `p2pchord keeps files in a ring of peers, without a server.

What is put at one peer can be fetched from any other. Every file is on several
peers at once, so that a peer may crash, leave or lose its network, and no file is lost.

To see it work on this machine alone: p2pchord demo

"p2pchord -" reads commands from stdin, one a line, and ends at the first that fails.`,
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
	f.StringVar(&a.data, "data", a.data, "`folder` of the peer (default "+settings.Tilde(settings.DefaultData("node"))+", for bootstrap "+filepath.Base(settings.DefaultData("bootstrap"))+" beside it)")
	f.BoolVar(&a.json, "json", a.json, "results, and errors, as JSON")
	f.BoolVar(&a.quiet, "quiet", a.quiet, "no progress and no messages")
	f.StringVar(&a.progress, "progress", cmp.Or(a.progress, "auto"), "show progress: auto (on a terminal), on or off")
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
		c.Flags().StringArrayVar(&a.bootstrap, "bootstrap", nil, "`multiaddr` of a bootstrap peer, to do it without a node of one's own")
	}
	for _, c := range ring[:2] {
		a.limits.Add(c.Flags())
	}
	for _, name := range []string{"api", "bootstrap", "timeout"} {
		root.Flags().Lookup(name).Hidden = true // they are for "-", and docs/cli.md tells
	}
	addGroup(root, "peer", "", a.nodeCommand(), a.bootstrapCommand(), a.shellCommand())
	root.AddCommand(a.demoCommand(), a.configCommand(), a.manCommand())
	addExamples(root)
	shortDefaults(root)
	return root
}

// shortDefaults makes the help texts show durations as they are written in settings.
func shortDefaults(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if d, err := time.ParseDuration(f.DefValue); err == nil && f.Value.Type() == "duration" {
			f.DefValue = duration.String(d)
		}
	})
	for _, sub := range c.Commands() {
		shortDefaults(sub)
	}
}

// addExamples gives examples to the commands that are cobra's own.
func addExamples(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = example("p2pchord help put")
			c.Run, c.RunE = nil, func(_ *cobra.Command, args []string) error { return helpOn(root, args) }
		case "completion":
			c.Example = example("p2pchord completion bash > /etc/bash_completion.d/p2pchord")
			c.Args = exactly(0, "bash, fish, powershell or zsh")
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
			for _, shell := range c.Commands() {
				shell.Example = example("p2pchord completion " + shell.Name() + " --no-descriptions")
			}
		}
	}
}

// helpOn shows the help text of a command.
func helpOn(root *cobra.Command, args []string) error {
	c, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return fault.New(fault.Usage, "there is no command %q: see %s --help", strings.Join(args, " "), root.Name())
	}
	c.InitDefaultHelpFlag()
	return c.Help()
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
	f.DurationVar(&a.timeout, "timeout", flags.DefaultTimeout, "give up a step, or a transfer, in which nothing moves for so long")
}

// begin is run before every verb: it completes the flags and checks those that all share.
func (a *app) begin(cmd *cobra.Command, _ []string) error {
	if err := a.complete(cmd); err != nil {
		return err
	}
	a.out.JSON, a.out.Quiet = a.json, a.quiet
	switch a.progress {
	case "auto", "on", "off":
		a.out.SetProgress(a.progress)
	default:
		return fault.New(fault.Usage, "--progress %s: it is auto, on or off", a.progress)
	}
	if a.timeout < 0 || cmd.Flags().Changed("timeout") && a.timeout == 0 {
		return fault.New(fault.Usage, "--timeout %s: write a time like 90s, 5m or 1h30m", duration.String(a.timeout))
	}
	if a.isGiven(cmd, "data") && a.data == "" {
		return fault.New(fault.Usage, "--data is empty: give a folder, or leave --data out")
	}
	a.begun = true
	return nil
}

// exactly refuses any number of arguments but n, in words.
func exactly(n int, words string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fault.New(fault.Usage, "%s takes %s: see %s --help", cmd.Name(), words, cmd.CommandPath())
	}
}

// someArgs refuses to have no arguments, in words.
func someArgs(words string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fault.New(fault.Usage, "%s takes %s: see %s --help", cmd.Name(), words, cmd.CommandPath())
	}
}

// example indents the lines of a help text's example.
func example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }

// atMostOne refuses more than one argument, in words.
func atMostOne(words string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return fault.New(fault.Usage, "%s takes at most %s: see %s --help", cmd.Name(), words, cmd.CommandPath())
	}
}

// isGiven tells whether a flag is on the command line.
func (a *app) isGiven(cmd *cobra.Command, flag string) bool {
	_, elsewhere := a.origins[flag]
	return cmd.Flags().Changed(flag) && !elsewhere
}

// complete gives each flag that is not on the command line its value from the environment or the
// config file.
func (a *app) complete(cmd *cobra.Command) error {
	c, err := settings.Complete(cmd, a.config, a.lookupEnv)
	a.config, a.origins = c.File, c.Origins
	if c.Warning != nil && !a.warnedConfig {
		a.warnedConfig = true // once in a process
		a.out.Warn("%v", c.Warning)
	}
	return err
}

// dataFolder is the folder that --data names, or the default.
func (a *app) dataFolder(kind string) (string, error) {
	if a.data != "" {
		return a.data, nil
	}
	if dir := settings.DefaultData(kind); dir != "" {
		return dir, nil
	}
	return "", errNoHome
}

// errNoHome refuses to make up a data folder.
var errNoHome = fault.New(fault.Usage, "there is no default data folder, for HOME is not set to a folder's full path: give --data DIR")

// historyFile is where a prompt keeps what was typed; "" for nowhere.
func (a *app) historyFile() string {
	dir, err := a.dataFolder("node")
	if err != nil {
		return ""
	}
	return filepath.Join(dir, prompt.HistoryName)
}

// showErrors shows errors that are to be shown one by one, and returns others as they are.
func (a *app) showErrors(err error) error {
	var many userfiles.Errors
	if errors.As(err, &many) {
		return a.showAll(many)
	}
	return err
}

// showAll shows each error and returns the first one's kind as that of the verb.
func (a *app) showAll(list []error) error {
	for _, err := range list {
		a.out.Failure(err)
	}
	return errReported{gateway.ProblemOf(list[0]).Code}
}
