package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/fault"
)

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

// atMostOne refuses more than one argument, in words.
func atMostOne(words string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return fault.New(fault.Usage, "%s takes at most %s: see %s --help", cmd.Name(), words, cmd.CommandPath())
	}
}

// example indents the lines of a help text's example.
func example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
