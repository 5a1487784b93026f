package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
)

func (a *app) lookupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lookup NAME",
		Short: "Show who owns a name, and the path to it",
		Long: `Show the key of a name, the peer that owns it, and the peers that were asked on the way. There
needn't be a file of that name.`,
		Example: example("p2pchord lookup holiday.jpg"),
		Args:    exactly(1, "one NAME"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.lookup(cmd, args[0]) },
	}
}

func (a *app) lookup(cmd *cobra.Command, name string) error {
	l, err := askRing(a, cmd, name, gateway.Ring.Lookup)
	if err != nil {
		return err
	}
	l.Path = nonNil(l.Path)
	if a.json {
		a.out.Object(l)
		return nil
	}
	var path []string
	for _, h := range l.Path {
		path = append(path, textfmt.ShortID(h.PeerID))
	}
	a.out.Line("%s  key %d, owner %d (%s), %s: %s", l.Name, l.Key, l.Owner.Key, l.Owner.PeerID,
		textfmt.Count(l.Hops, "hop", "hops"), strings.Join(path, " > "))
	return nil
}
