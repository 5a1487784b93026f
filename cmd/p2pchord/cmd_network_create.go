package main

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/networkfolder"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/network/recovery"
	"github.com/p2pchord/p2pchord/network/statement"
)

type createFlags struct {
	recovery, sheets, name string
}

// created is the JSON of a network that was made.
type created struct {
	Network string `json:"network"`
	Name    string `json:"name"`
}

func (a *app) networkCreateCommand() *cobra.Command {
	var f createFlags
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a private ring, with this machine as its first admin",
		Long: `Make a private ring called NAME. The data folder gets the network's root key, and this machine
becomes the first admin. The network's ID goes to stdout; bootstrap peers need it.

Recovery words replace the root key when it is lost or stolen. They are shown once, on stderr,
or written to --recovery-file. Write them on paper, and keep that away from this machine. With
--recovery 2/3 there are three sheets of 24 words, of which any two are enough.`,
		Example: example("p2pchord network create home", "p2pchord network create team --recovery 2/3"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.createNetwork(args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.recovery, "recovery", "1/1", "`K/N`: make N sheets of recovery words, of which K are needed; 0 makes none")
	fl.StringVar(&f.sheets, "recovery-file", "", "write the recovery words to `file`, not to stderr")
	fl.StringVar(&f.name, "name", "", "`name` of this machine among the members (default its host's)")
	return cmd
}

func (a *app) createNetwork(name string, f createFlags) error {
	quorum, count, err := parseQuorum(f.recovery)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(f.sheets); f.sheets != "" && err == nil {
		return fault.New(fault.NotAllowed, "--recovery-file: %s is there already: give another name", f.sheets)
	}
	dir, err := a.dataFolder("node")
	if err != nil {
		return err
	}
	founding := membership.Founding{Name: name, Label: machineName(f.name), Quorum: quorum}
	var keys []ed25519.PrivateKey
	for range count {
		_, k, err := ed25519.GenerateKey(nil)
		if err != nil {
			return fault.New(fault.Failed, "can't make a recovery key: %w", err)
		}
		keys = append(keys, k)
		founding.Recovery = append(founding.Recovery, statement.KeyOf(k))
	}
	folder, err := networkfolder.OpenOrMake(dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }() // what was written is durable
	n, err := membership.Create(dir, folder.Identity, founding, time.Now())
	if err != nil {
		return err
	}
	if err := a.giveSheets(n, keys, quorum, f.sheets); err != nil {
		return err
	}
	if a.json {
		a.out.Object(created{n.ID().String(), n.Name()})
		return nil
	}
	a.out.Line("%s", n.ID())
	a.out.Say("p2pchord: the private network %q is made, and this machine is its first admin", n.Name())
	a.out.Say("next: p2pchord bootstrap --network %s, on a machine that others can reach; p2pchord node --bootstrap ADDRESS; p2pchord invite", n.ID())
	return nil
}

// parseQuorum reads K/N, or 0.
func parseQuorum(text string) (quorum, count int, err error) {
	if text == "0" {
		return 0, 0, nil
	}
	var rest string
	n, _ := fmt.Sscanf(text+" ", "%d/%d%s", &quorum, &count, &rest)
	if n != 2 || quorum < 1 || quorum > count || count > statement.MaxRecovery || text != fmt.Sprintf("%d/%d", quorum, count) {
		return 0, 0, fault.New(fault.Usage, "--recovery %s: write K/N, like 2/3, with N up to %d, or 0 for none", text, statement.MaxRecovery)
	}
	return quorum, count, nil
}

// giveSheets shows the recovery words, or writes them to a file.
func (a *app) giveSheets(n *membership.Network, keys []ed25519.PrivateKey, quorum int, file string) error {
	var b textfmt.Page
	for i, k := range keys {
		b.Printf("# Recovery sheet %d of %d of the private network %q (%s). ", i+1, len(keys), n.Name(), n.ID().Short())
		if len(keys) == 1 {
			b.Printf("It replaces the root key.\n")
		} else {
			b.Printf("Any %d of them replace the root key.\n", quorum)
		}
		for w, word := range recovery.Sheet(k) {
			b.Printf("%2d. %-14s", w+1, word)
			if w%4 == 3 {
				b.Printf("\n")
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if file != "" {
		if err := durable.WriteFile(file, []byte(b.Text()+"\n"), 0o600); err != nil {
			return fault.New(fault.Failed, "the network is made, but its recovery words can't be written: %w: remove %s, and make it again", err, n.Folder())
		}
		return nil
	}
	for l := range strings.Lines(b.Text()) {
		a.out.SayNow(strings.TrimRight(l, "\n "))
	}
	a.out.SayNow("Write these words on paper, and keep it away from this machine. They are not shown again.")
	return nil
}
