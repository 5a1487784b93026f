package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
)

func (a *app) shellCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Open a prompt on a running node",
		Long: `Open a prompt on the running node of --data. It takes the verbs put, get, ls, stat, rm,
status, peers, netcheck, health, watch, verify, ring, lookup, trace, leave, and quit. Ctrl-C
ends the running command. Ctrl-D or exit ends the shell; the node keeps running.

If stdin is not a terminal, the commands that it has are run one after the other, up to the
first that fails.`,
		Example: example("p2pchord shell", "printf 'ls\\nstatus\\n' | p2pchord shell"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.shell(cmd) },
	}
	a.apiFlags(cmd.Flags())
	return cmd
}

func (a *app) shell(cmd *cobra.Command) error {
	c, err := a.dialNode(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // the node runs on
	in, ok := a.stdin.(*os.File)
	if !ok || !console.IsTerminal(in) || !a.out.ToTerminal() {
		return a.script(cmd.Context(), c)
	}
	p := a.newPrompt(in, c)
	defer p.Close()
	typed := make(chan error, 1)
	go func() { typed <- p.Run(cmd.Context()) }() // ends with the process when it waits for a key
	select {
	case <-cmd.Context().Done():
		return cmd.Context().Err()
	case err := <-typed:
		return err
	}
}
