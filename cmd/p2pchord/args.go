package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// exactly accepts n arguments, which what names.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fault.New(fault.Usage, "%s takes %s: see %s --help", cmd.Name(), what, cmd.CommandPath())
	}
}

// someArgs accepts one argument or more, which what names.
func someArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fault.New(fault.Usage, "%s takes %s: see %s --help", cmd.Name(), what, cmd.CommandPath())
	}
}

// atMostOne accepts no argument or one, which what names.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return fault.New(fault.Usage, "%s takes at most %s: see %s --help", cmd.Name(), what, cmd.CommandPath())
	}
}

// example indents the lines of a help text's example.
func example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
