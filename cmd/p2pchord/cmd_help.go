package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// addExamples adds examples to cobra's own commands.
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

// shortDefaults shows the defaults of durations as they are written in settings.
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
