package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

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
	// peer is what the verbs of a prompt or a script work on, a gateway.Peer if it is a node. It is
	// nil outside of a prompt or script.
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
	limits    flags.Rates // of a passing client

	// origins says where the value of each flag comes from that is neither given nor the default.
	origins map[string]string

	logs *logs.Logs // of a command that keeps running

	warnedConfig bool // the user knows that the config file can't be read

	begun    bool // the command line was correct, and its verb has begun
	departed bool // the verb has ended the node
}

// errReported ends a verb whose errors have been shown.
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

// execute carries out one command line, shows its error, and returns the error's kind; "" when
// there is none.
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

// wantsJSON reports whether errors are to be shown as JSON before the flags are parsed.
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

// begin runs before every verb. It sets the flags and checks those that all verbs share.
func (a *app) begin(cmd *cobra.Command, _ []string) error {
	if err := a.complete(cmd); err != nil {
		return err
	}
	a.out.JSON, a.out.Quiet = a.json, a.quiet
	switch a.progress {
	case "auto", "on", "off":
		a.out.SetProgress(a.progress)
	default:
		return fault.New(fault.Usage, "--progress %s: it must be auto, on, or off", a.progress)
	}
	if a.timeout < 0 || cmd.Flags().Changed("timeout") && a.timeout == 0 {
		return fault.New(fault.Usage, "--timeout %s: write a time like 90s, 5m, or 1h30m", duration.String(a.timeout))
	}
	if a.isGiven(cmd, "data") && a.data == "" {
		return fault.New(fault.Usage, "--data is empty: give a folder, or leave --data out")
	}
	a.begun = true
	return nil
}

// isGiven reports whether a flag is on the command line.
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

// errNoHome says that there is no default data folder.
var errNoHome = fault.New(fault.Usage, "there is no default data folder, because HOME is not set to a folder's full path: give --data DIR")

// historyFile is where a prompt keeps what was typed; "" for nowhere.
func (a *app) historyFile() string {
	dir, err := a.dataFolder("node")
	if err != nil {
		return ""
	}
	return filepath.Join(dir, prompt.HistoryName)
}

// showErrors shows userfiles.Errors one by one, and returns other errors as they are.
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
