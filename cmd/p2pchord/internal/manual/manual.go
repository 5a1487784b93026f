package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Write writes a page for c and each command below it into dir. version is the program's.
func Write(c *cobra.Command, dir, version string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // everyone may read a manual
		return err
	}
	page := pageOf(c, version)
	if err := os.WriteFile(filepath.Join(dir, Name(c)+".1"), page, 0o644); err != nil { //nolint:gosec // everyone may read a manual
		return err
	}
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" {
			continue
		}
		if err := Write(sub, dir, version); err != nil {
			return err
		}
	}
	return nil
}

// Name returns the name of the page of a command.
func Name(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// pageOf returns the page of a command, in the language of man(7).
func pageOf(c *cobra.Command, version string) []byte {
	m := &page{}
	m.line(".TH %q 1 \"\" %q \"p2pchord\"", strings.ToUpper(Name(c)), "p2pchord "+version)
	m.section("NAME")
	m.text(Name(c) + " - " + c.Short)
	m.section("SYNOPSIS")
	if c.Runnable() {
		m.line(".B %s", Roff(c.UseLine()))
	}
	if c.HasAvailableSubCommands() {
		m.line(".br")
		m.line(".B %s", Roff(c.CommandPath()+" COMMAND ..."))
	}
	m.section("DESCRIPTION")
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	m.paragraphs(text)
	if c.HasAvailableSubCommands() {
		m.section("COMMANDS")
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				m.tagged(sub.Name(), sub.Short)
			}
		}
	}
	m.flags("OPTIONS", c.NonInheritedFlags())
	m.flags("GLOBAL OPTIONS", c.InheritedFlags())
	if c.Example != "" {
		m.section("EXAMPLES")
		m.line(".nf\n%s\n.fi", Roff(c.Example))
	}
	m.section("EXIT STATUS")
	m.tagged("0", "done")
	for _, code := range ExitCodes {
		m.tagged(fmt.Sprint(code.Exit()), code.Error())
	}
	m.section("ENVIRONMENT")
	m.text("Options are also read from the environment, as P2PCHORD_<OPTION> in capitals with underscores for dashes, " +
		"and from the config file. The command line takes precedence over the environment, and the environment over the file.")
	m.section("FILES")
	m.tagged("$XDG_CONFIG_HOME/p2pchord/config.toml", "the settings; by default in ~/.config")
	m.tagged("$XDG_DATA_HOME/p2pchord", "the data of peers; by default in ~/.local/share")
	m.seeAlso(c)
	return m.Bytes()
}

// ExitCodes are the kinds of failures that users see, in the order of their exit codes.
var ExitCodes = []fault.Code{
	fault.Failed, fault.Usage, fault.NotFound, fault.Unreachable, fault.TryAgain,
	fault.Integrity, fault.NoSpace, fault.NotAllowed, fault.FewerCopies, fault.Interrupted,
}
