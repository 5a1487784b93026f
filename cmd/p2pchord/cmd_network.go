package main

import (
	"bytes"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/networkfolder"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/view"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
)

func (a *app) networkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Make a private ring, and see and change who is in it",
		Long: `Make a private ring, and see and change who is in it. Only members get into a private ring.
Who is one is written down in statements that all members have and give each other; admins
issue them. See docs/private.md.`,
		Example: example("p2pchord network create home", "p2pchord network members"),
		Args:    exactly(0, "create, status, members, revoke, close, export, import, or recover"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	on := []*cobra.Command{
		a.networkStatusCommand(), a.networkMembersCommand(), a.networkRevokeCommand(), a.networkCloseCommand(),
		a.networkExportCommand(), a.networkImportCommand(),
	}
	for _, c := range on {
		a.apiFlags(c.Flags())
	}
	cmd.AddCommand(a.networkCreateCommand(), a.networkRecoverCommand())
	cmd.AddCommand(on...)
	return cmd
}

func (a *app) networkStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show the private network of this data folder",
		Example: example("p2pchord network status", "p2pchord network status --json | jq .members"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, err := a.manage(cmd, manage.Request{Do: manage.DoStatus})
			switch {
			case err != nil:
			case a.json:
				a.out.Object(answer.Status)
			default:
				a.out.Page(view.PrivateNetwork(*answer.Status, time.Now()))
			}
			return err
		},
	}
}

func (a *app) networkMembersCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "members",
		Short:   "List the members, and those who were revoked",
		Example: example("p2pchord network members"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, err := a.manage(cmd, manage.Request{Do: manage.DoMembers})
			switch {
			case err != nil:
			case a.json:
				for _, m := range answer.Members {
					a.out.Object(m)
				}
			default:
				a.out.Page(view.NetworkMembers(answer.Members))
			}
			return err
		},
	}
}

// changed is the JSON of a change of a network.
type changed struct {
	Done string `json:"done"`
	Peer string `json:"peer"`
	At   string `json:"at"`
}

func (a *app) networkRevokeCommand() *cobra.Command {
	var r manage.Request
	cmd := &cobra.Command{
		Use:   "revoke PEER|NAME",
		Short: "End a peer's membership",
		Long: `End a peer's membership. PEER is a peer ID, NAME a name as network members shows it. Peers that
are connected hear of it within seconds, and end its connections and transfers. A peer that is
to come back joins anew, with a new data folder.

What a revoked admin has issued still counts, but its invitations that nobody has used don't.
If its key was stolen, --cut-from says which of its statements was the thief's first.`,
		Example: example("p2pchord network revoke bob-phone", "p2pchord network revoke eve --cut-from 17 --why stolen"),
		Args:    exactly(1, "one PEER or NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Do, r.Peer = manage.DoRevoke, args[0]
			_, err := a.manage(cmd, r)
			if err == nil {
				a.showChange(changed{Done: "revoked", Peer: args[0]}, args[0]+"  revoked")
			}
			return err
		},
	}
	cmd.Flags().Uint64Var(&r.CutFrom, "cut-from", 0, "`number` of the first statement of a revoked admin that no longer counts")
	cmd.Flags().StringVar(&r.Why, "why", "", "`reason`, which all members see")
	return cmd
}

func (a *app) networkCloseCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "close",
		Short: "Let only members in, now or from a time on",
		Long: `Let only members in, now or from a time on. A network that network create has made is closed from
its beginning, and one that is closed isn't opened again.`,
		Example: example("p2pchord network close", "p2pchord network close --at 2026-12-01T20:00:00Z"),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := manage.Request{Do: manage.DoClose}
			if at != "" {
				var err error
				if r.At, err = time.Parse(time.RFC3339, at); err != nil {
					return fault.New(fault.Usage, "--at %q is not a time: write it like 2026-12-01T20:00:00Z", at)
				}
			}
			if _, err := a.manage(cmd, r); err != nil {
				return err
			}
			if at == "" {
				at = time.Now().UTC().Format(time.RFC3339)
			}
			a.showChange(changed{Done: "closed", At: at}, "closed from "+at+" on")
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "`time` from which only members are let in (default now)")
	return cmd
}

func (a *app) showChange(c changed, text string) {
	if a.json {
		a.out.Object(c)
		return
	}
	a.out.Line("%s", text)
}

func (a *app) networkExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export FILE|-",
		Short: "Write the network's statements to a file",
		Long: `Write the network's statements to a file that isn't there yet, or to stdout. The file has no
secrets, but the names of all members. With the recovery words it is what a network is
recovered from when all admins are lost.`,
		Example: example("p2pchord network export home.network"),
		Args:    exactly(1, "one FILE or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Lstat(args[0]); args[0] != "-" && err == nil {
				return fault.New(fault.NotAllowed, "%s is there already: give another name", args[0])
			}
			answer, err := a.manage(cmd, manage.Request{Do: manage.DoExport})
			if err != nil {
				return err
			}
			if args[0] == "-" {
				_, err := a.out.RawStdout().Write(answer.Statements)
				return err
			}
			return durable.WriteFile(args[0], answer.Statements, 0o600)
		},
	}
}

// imported is the JSON of an import.
type imported struct {
	Network string `json:"network"`
	Added   int    `json:"added"`
}

func (a *app) networkImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Add statements that were exported",
		Long: `Add statements that network export wrote. A data folder without a network gets to know that
network, without becoming a member: network recover needs that.`,
		Example: example("p2pchord network import home.network"),
		Args:    exactly(1, "one FILE or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.readWhole(args[0])
			if err != nil {
				return err
			}
			id, err := membership.NetworkOf(raw)
			if err != nil {
				return err
			}
			added, err := a.importStatements(cmd, raw)
			if err != nil {
				return err
			}
			if a.json {
				a.out.Object(imported{id.String(), added})
			} else {
				a.out.Line("%d new statements of the network %s", added, id)
			}
			return nil
		},
	}
}

// importStatements adds statements to the network of the data folder, or begins to follow theirs.
func (a *app) importStatements(cmd *cobra.Command, raw []byte) (int, error) {
	dir, err := a.dataFolder("node")
	if err != nil {
		return 0, err
	}
	if a.api != "" || membership.Exists(dir) {
		answer, err := a.manage(cmd, manage.Request{Do: manage.DoImport, Statements: raw})
		return answer.Added, err
	}
	id, err := membership.NetworkOf(raw)
	if err != nil {
		return 0, err
	}
	f, err := networkfolder.OpenOrMake(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // what was written is durable
	n, err := membership.Follow(dir, f.Identity, id)
	if err != nil {
		return 0, err
	}
	return n.Import(raw)
}

// readWhole reads a file, or stdin for "-".
func (a *app) readWhole(name string) ([]byte, error) {
	const most = 64 << 20
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.New(fault.Failed, "can't read %s: %w", name, fault.Reason(err))
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(in, most+1)); err != nil || n > most {
		return nil, fault.New(fault.Failed, "can't read %s: it is too long, or fails: %w", name, err)
	}
	return b.Bytes(), nil
}
