package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Read every block of this node again and compare it with its hash",
		Long: `Read every block of this node again, now, and compare it with its hash. A node also does this
by itself, slowly, all the time.

A damaged block is named, set aside, never served, and fetched again from another peer that
holds it. The exit code is then 6.`,
		Example: example("p2pchord verify", "p2pchord verify --json"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verify(cmd) },
	}
}

func (a *app) verify(cmd *cobra.Command) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // the results have been shown
	a.out.StartProgress("reading", -1, 1)
	v, err := p.Verify(cmd.Context(), func(d node.Damage) {
		if a.json {
			a.out.Object(d)
			return
		}
		a.out.Line("%s  damaged: %s", d.Hash, gateway.OneLine(d.Error))
	})
	a.out.EndProgress()
	switch {
	case err != nil:
		return err
	case a.json:
		a.out.Object(v)
	default:
		a.out.Line("%s read, %s: %d damaged", textfmt.Count(v.Blocks, "block", "blocks"), textfmt.Size(v.Bytes), v.Bad)
	}
	if v.Bad > 0 {
		return fault.New(fault.Integrity, "%s of this node damaged: set aside, and fetched again from other peers; the disk may be failing", textfmt.Count(v.Bad, "block", "blocks"))
	}
	return nil
}
