package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// manCommand writes the manual, made from the commands' own help texts. It is for
// packagers, and no verb of a prompt.
//
// Generators for cobra don't replace it (checked: cobra/doc v1.10.2, mango-cobra v1.3.0). The former
// would link a Markdown parser that has had no release since 2020 into the program, reads help texts
// as Markdown, and has no place for exit codes, environment and files. The latter writes one page for
// all commands, dates it with the present day, and needs packages without a release since 2022.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages",
		Hidden: true,
		Long: `Write a manual page for each command into FOLDER, which is made if it isn't there:
p2pchord.1, p2pchord-put.1 and so on. Equal programs write equal pages.`,
		Example: example("p2pchord man /usr/local/share/man/man1"),
		Args:    exactly(1, "one FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := writeManual(cmd.Root(), args[0]); err != nil {
				return fault.New(fault.Failed, "can't write the manual: %w", err)
			}
			return nil
		},
	}
}

// writeManual writes a page for c and each command below it.
func writeManual(c *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // everyone may read a manual
		return err
	}
	page := manualPage(c)
	if err := os.WriteFile(filepath.Join(dir, manualName(c)+".1"), page, 0o644); err != nil { //nolint:gosec // everyone may read a manual
		return err
	}
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" {
			continue
		}
		if err := writeManual(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

func manualName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manualPage is the page of a command, in the language of man(7).
func manualPage(c *cobra.Command) []byte {
	m := &manual{}
	m.line(".TH %q 1 \"\" %q \"p2pchord\"", strings.ToUpper(manualName(c)), "p2pchord "+readVersion().Version)
	m.section("NAME")
	m.text(manualName(c) + " - " + c.Short)
	m.section("SYNOPSIS")
	if c.Runnable() {
		m.line(".B %s", roff(c.UseLine()))
	}
	if c.HasAvailableSubCommands() {
		m.line(".br")
		m.line(".B %s", roff(c.CommandPath()+" COMMAND ..."))
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
	m.flags("OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		m.section("EXAMPLES")
		m.line(".nf\n%s\n.fi", roff(c.Example))
	}
	m.section("EXIT STATUS")
	m.tagged("0", "done")
	for _, code := range exitCodes {
		m.tagged(fmt.Sprint(code.Exit()), code.Error())
	}
	m.section("ENVIRONMENT")
	m.text("Each option also reads P2PCHORD_<OPTION>, in capitals and with dashes as underscores, and the config file. " +
		"An option goes over the environment, that over the file.")
	m.section("FILES")
	m.tagged("$XDG_CONFIG_HOME/p2pchord/config.toml", "the settings, by default in ~/.config")
	m.tagged("$XDG_DATA_HOME/p2pchord", "what peers keep, by default in ~/.local/share")
	m.seeAlso(c)
	return m.Bytes()
}

// exitCodes are the kinds of failure that users see, in the order of their exit codes.
var exitCodes = []fault.Code{
	fault.Failed, fault.Usage, fault.NotFound, fault.Unreachable, fault.TryAgain,
	fault.Integrity, fault.NoSpace, fault.NotAllowed, fault.FewerCopies, fault.Interrupted,
}
