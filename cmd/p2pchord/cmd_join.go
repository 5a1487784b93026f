package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/node"
)

// clientFolder is the kind of data folder of a client, which never runs a node.
const clientFolder = "client"

func (a *app) joinCommand() *cobra.Command {
	var name string
	var client bool
	cmd := &cobra.Command{
		Use:   "join CODE | join HOST SHORT",
		Short: "Join a private ring by a code",
		Long: `Join the private ring that CODE is for, with this machine's data folder. Afterwards node, and put,
get, and ls without a node, need no --bootstrap.

SHORT is the code for a voice: upper and lower case, hyphens, and spaces don't matter. HOST is a
bootstrap peer or a node, as HOST, HOST:PORT, or a multiaddr. If joining was interrupted give
the same code again.

With --client the machine gets a data folder of its own, for put, get, and ls only, beside the
one of a node in another ring.`,
		Example: example("p2pchord join p2pj1...", "p2pchord join ring.example.org K7QF2M-9DXW4T-HR6A3B"),
		Args:    someArgs("a CODE, or a HOST and a short code"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.join(cmd, args, name, client) },
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` of this machine among the members (default the invitation's, or its host's)")
	cmd.Flags().BoolVar(&client, "client", false, "join with the data folder of a client")
	cmd.Flags().DurationVar(&a.timeout, "timeout", 10*time.Second, "give up a peer that doesn't answer after this time")
	return cmd
}

func (a *app) join(cmd *cobra.Command, args []string, name string, client bool) error {
	kind := "node"
	if client {
		kind = clientFolder
	}
	dir, err := a.dataFolder(kind)
	if err != nil {
		return err
	}
	cfg := node.JoinConfig{Data: dir, Name: name, HostName: machineName(""), Timeout: a.timeout}
	switch {
	case invitation.IsLong(args[0]):
		cfg.Code = strings.Join(args, "") // a line that was broken
	case len(args) == 2 && invitation.IsLong(args[1]):
		cfg.Host, cfg.Code = args[0], args[1]
	case len(args) > 1:
		cfg.Host, cfg.Code = args[0], strings.Join(args[1:], " ") // spoken in groups
	default:
		cfg.Code = args[0]
	}
	joined, err := node.Join(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if a.json {
		a.out.Object(joined)
		return nil
	}
	a.out.Line("%s  joined as %s", joined.Name, joined.Role)
	if client {
		a.out.Say("p2pchord: put, get, and ls reach it now, without a node")
	} else {
		a.out.Say("p2pchord: start the node with p2pchord node")
	}
	return nil
}
