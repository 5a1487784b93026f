package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/prompt"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// rootArgs checks the arguments without a command: only "-" is accepted, for the commands of stdin.
func (a *app) rootArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || a.peer == nil && slices.Equal(args, []string{"-"}) {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), textfmt.DidYouMean(args[0], names))
}

// stdinScript carries out the commands of stdin on the running node, or as a passing client, over
// one connection.
func (a *app) stdinScript(cmd *cobra.Command) error {
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // what was to be done is done
	a.out.EndProgress()
	return a.script(cmd.Context(), r)
}

// script carries out the commands of stdin up to the first that fails.
func (a *app) script(ctx context.Context, p gateway.Ring) error {
	lines := bufio.NewScanner(a.stdin)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "#") {
			continue
		}
		words, err := prompt.SplitWords(lines.Text())
		if err != nil {
			return fault.New(fault.Usage, "line %d: %w", n, err)
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "exit" {
			return nil
		}
		command, done := a.signals.Watch(ctx, process.Interrupts)
		code, departed := a.carryOut(command, p, words)
		done()
		if code != "" {
			if !a.json {
				a.out.Say("line %d failed: the lines after it are not run", n)
			}
			return errReported{code}
		}
		if departed {
			return nil
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return fault.New(fault.Failed, "can't read the commands: %w", err)
	}
	return nil
}

// carryOut carries out one command of a prompt or a script on p. It returns the kind of its
// failure, empty when it succeeded, and whether the node has departed.
func (a *app) carryOut(ctx context.Context, p gateway.Ring, words []string) (fault.Code, bool) {
	sub := &app{
		stdin: a.stdin, out: a.out.ForCommand(), lookupEnv: a.lookupEnv, signals: a.signals, peer: p,
		json: a.json, quiet: a.quiet, progress: a.progress, config: a.config, data: a.data,
	}
	return sub.execute(ctx, words), sub.departed
}
