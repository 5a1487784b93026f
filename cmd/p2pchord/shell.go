package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
)

func (a *app) shellCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shell",
		Short: "Open a prompt on a running node",
		Long: `Open a prompt on the running node of --data: it takes the verbs put, get, ls, stat, rm,
status, peers, netcheck, health, watch, verify, ring, lookup, trace, leave and quit. Ctrl-C ends the
command that runs, Ctrl-D or exit the shell; the node runs on.

Commands that come on a stdin that is no terminal are carried out one after the other,
up to the first that fails.`,
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
	p := newPrompt(a, in, c, a.historyFile())
	defer p.close()
	typed := make(chan error, 1)
	go func() { typed <- p.run(cmd.Context()) }() // ends with the process when it waits for a key
	select {
	case <-cmd.Context().Done():
		return cmd.Context().Err()
	case err := <-typed:
		return err
	}
}

// splitWords splits a line as a shell does: blanks separate, quotes and a
// backslash keep.
func splitWords(line string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		in    bool // a word has begun
		quote rune // the quote that is open, or 0
		esc   bool // the next one stands for itself
	)
	for _, r := range line {
		switch {
		case esc:
			word.WriteRune(r)
			esc = false
		case r == '\\' && quote != '\'' && filepath.Separator != '\\':
			esc, in = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t':
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if quote != 0 || esc {
		return nil, errors.New("a quote is open, or a backslash ends the line")
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
