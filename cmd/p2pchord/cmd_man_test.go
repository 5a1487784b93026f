package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/manual"
)

// testRoot is the tree of commands as a command line has it.
func testRoot() *cobra.Command {
	a := &app{out: console.New(os.Stdout, os.Stderr), lookupEnv: func(string) (string, bool) { return "", false }}
	root := a.root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// everyCommand calls f for each command below c that users see.
func everyCommand(c *cobra.Command, f func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if sub.Hidden {
			continue
		}
		f(sub)
		everyCommand(sub, f)
	}
}

func TestEveryCommandHasAPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := testRoot()
	if err := manual.Write(root, dir, "v1"); err != nil {
		t.Fatal(err)
	}
	pages := 0
	everyCommand(root, func(c *cobra.Command) {
		if c.Name() == "help" {
			return
		}
		pages++
		b, err := os.ReadFile(filepath.Join(dir, manual.Name(c)+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		page := string(b)
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(page, manual.Roff("--"+f.Name)) {
				t.Errorf("%s: --%s isn't in the manual", c.CommandPath(), f.Name)
			}
		})
		for _, part := range []string{".SH NAME", ".SH EXIT STATUS\n.TP\n.B 0\ndone\n", ".B 130\ninterrupted\n", ".SH SEE ALSO\n"} {
			if !strings.Contains(page, part) {
				t.Errorf("%s: no %q", c.CommandPath(), part)
			}
		}
		for l := range strings.SplitSeq(page, "\n") {
			if request, _, _ := strings.Cut(l, " "); strings.HasPrefix(l, ".") && !strings.Contains(" .TH .SH .PP .TP .B .br .nf .fi ", " "+request+" ") {
				t.Errorf("%s: %q would be a request", c.CommandPath(), l)
			}
		}
	})
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != pages+1 || pages < 20 {
		t.Errorf("%d pages of %d commands, %v", len(entries), pages, err)
	}
}
