package main

import (
	"bufio"
	"crypto/ed25519"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/networkfolder"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/recovery"
)

func (a *app) networkRecoverCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Replace the network's root key, with the recovery words",
		Long: `Replace the network's root key. This machine gets the new one, and becomes an admin. The recovery
words are read from stdin, one sheet after the other; empty lines and lines that begin with #
are skipped.

The data folder has to know the network: as a member's does, or by network import. Stop its
node before. Revoke the machine that had the old key afterwards, if it was stolen.`,
		Example: example("p2pchord network recover", "p2pchord network recover < sheets.txt"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.recoverNetwork(name) },
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` of this machine among the members (default its host's)")
	return cmd
}

func (a *app) recoverNetwork(name string) error {
	dir, err := a.dataFolder("node")
	if err != nil {
		return err
	}
	folder, err := networkfolder.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }() // what was written is durable
	n := folder.Network
	count, quorum := n.Recovery()
	if n.State() != nil && quorum == 0 {
		return fault.New(fault.NotAllowed, "the network %q was made without recovery words, so its root key can't be replaced", n.Name())
	}
	if f, ok := a.stdin.(*os.File); ok && console.IsTerminal(f) {
		a.out.Say("Type the words of %d of the %d recovery sheets of %q, 24 on each.", quorum, count, n.Name())
	}
	keys, err := readSheets(bufio.NewScanner(a.stdin), max(quorum, 1))
	if err != nil {
		return err
	}
	if err := n.Recover(keys, machineName(name), time.Now()); err != nil {
		return err
	}
	if a.json {
		a.out.Object(created{n.ID().String(), n.Name()})
		return nil
	}
	a.out.Line("%s", n.ID())
	a.out.Say("p2pchord: this machine has the new root key of %q, and is an admin; members take it when they hear of it", n.Name())
	return nil
}

// readSheets reads the words of so many sheets.
func readSheets(in *bufio.Scanner, sheets int) ([]ed25519.PrivateKey, error) {
	var words []string
	for len(words) < sheets*recovery.Words && in.Scan() {
		line := strings.TrimSpace(in.Text())
		if !strings.HasPrefix(line, "#") {
			words = append(words, recovery.Split(line)...)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fault.New(fault.Failed, "can't read the recovery words: %w", err)
	}
	if len(words) != sheets*recovery.Words {
		return nil, fault.New(fault.Usage, "%d recovery words came, and the network needs %d: 24 of each sheet", len(words), sheets*recovery.Words)
	}
	var keys []ed25519.PrivateKey
	for i := range sheets {
		k, err := recovery.Parse(strings.Join(words[i*recovery.Words:(i+1)*recovery.Words], " "))
		if err != nil {
			return nil, fault.New(fault.Usage, "sheet %d: %w", i+1, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}
