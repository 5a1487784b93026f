package main

import (
	"cmp"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/settings"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Check the settings, or show them and where each comes from",
		Example: example("p2pchord config check", "p2pchord config show bootstrap"),
		Args:    exactly(0, "check or show"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "Check the config file and the environment",
			Long: `Check the config file and the environment, for every command, and start nothing. The first
problem is reported with its line; the exit code is then 2.`,
			Example: example("p2pchord config check", "p2pchord config check --config new.toml"),
			Args:    exactly(0, "no arguments"),
			RunE:    func(*cobra.Command, []string) error { return a.configCheck() },
		},
		&cobra.Command{
			Use:   "show [COMMAND]",
			Short: "Show the settings of a command, and where each comes from",
			Long: `Show the settings that COMMAND, by default node, would have, in the form of the config file,
and where each comes from: the file, the environment, or the default.`,
			Example: example("p2pchord config show", "p2pchord config show bootstrap --json"),
			Args:    atMostOne("one COMMAND"),
			RunE: func(_ *cobra.Command, args []string) error {
				if len(args) == 0 {
					args = []string{"node"}
				}
				return a.configShow(args[0])
			},
		},
	)
	return cmd
}

// settled returns the command called name with its flags set, and where their values come from.
func (a *app) settled(name string) (*cobra.Command, map[string]string, error) {
	sub := &app{stdin: a.stdin, out: a.out, lookupEnv: a.lookupEnv, signals: a.signals, config: a.config}
	for _, c := range sub.root().Commands() {
		if c.Name() != name {
			continue
		}
		c.InheritedFlags() // adds them to Flags
		err := sub.complete(c)
		return c, sub.origins, err
	}
	return nil, nil, fault.New(fault.Usage, "there is no command %q: see p2pchord --help", name)
}

func (a *app) configCheck() error {
	for _, c := range a.root().Commands() {
		c, _, err := a.settled(c.Name())
		if err == nil && c.PreRunE != nil {
			err = c.PreRunE(c, nil)
		}
		if err != nil {
			return err
		}
	}
	file := cmp.Or(a.config, settings.DefaultConfig())
	_, err := os.Stat(file)
	there := err == nil
	switch {
	case a.json:
		a.out.Object(map[string]any{"file": file, "exists": there, "ok": true})
	case file == "":
		a.out.Line("there is no config file, because HOME is not set: the environment and the defaults apply, and are ok")
	case there:
		a.out.Line("%s: ok", file)
	default:
		a.out.Line("%s doesn't exist: the environment and the defaults apply, and are ok", file)
	}
	return nil
}

// setting is the JSON of config show.
type setting struct {
	Command string `json:"command"`
	Flag    string `json:"flag"`
	Value   any    `json:"value"`  // a string, or a list of them
	Source  string `json:"source"` // FILE:LINE, a variable, or "default"
}

func (a *app) configShow(command string) error {
	c, origins, err := a.settled(command)
	if err != nil {
		return err
	}
	if !a.json {
		a.out.Line("[%s]", command)
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Name == "config" {
			return
		}
		s := setting{Command: command, Flag: f.Name, Value: a.valueOf(command, f), Source: cmp.Or(origins[f.Name], "default")}
		if a.json {
			a.out.Object(s)
			return
		}
		// A string, or a list of them, is written alike in TOML.
		text := strings.TrimSpace(console.JSON(s.Value))
		if f.Value.Type() == "bool" || f.Value.Type() == "int" {
			text = f.Value.String()
		}
		a.out.Line("%-50s # %s", f.Name+" = "+text, s.Source)
	})
	return nil
}

// valueOf returns the value that a flag has or stands for.
func (a *app) valueOf(command string, f *pflag.Flag) any {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return nonNil(list.GetSlice())
	}
	if f.Name == "data" && f.Value.String() == "" {
		kind := "node"
		if command == "bootstrap" {
			kind = command
		}
		return settings.DefaultData(kind)
	}
	if d, err := time.ParseDuration(f.Value.String()); err == nil && f.Value.Type() == "duration" {
		return duration.String(d)
	}
	return f.Value.String()
}
