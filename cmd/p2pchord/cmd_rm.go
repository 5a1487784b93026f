package main

import (
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) rmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME...",
		Short: "Delete files everywhere",
		Long: `Delete files from the ring, on every peer. A name that can't be deleted doesn't stop the
others; the first failure is the exit code.`,
		Example: example("p2pchord rm holiday.jpg", "p2pchord rm -- -odd-name"),
		Args:    someArgs("at least one NAME"),
		RunE:    a.rm,
	}
}

// removed is the JSON of one deleted file.
type removed struct {
	Name    string `json:"name"`
	Removed bool   `json:"removed"`
}

func (a *app) rm(cmd *cobra.Command, names []string) error {
	for _, name := range names {
		if err := node.ValidName(name); err != nil {
			return err
		}
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // what was deleted has been acknowledged
	a.out.EndProgress()
	var first error
	for _, name := range names {
		err := r.Remove(cmd.Context(), name)
		if err == nil {
			if a.json {
				a.out.Object(removed{name, true})
			} else {
				a.out.Line("%s  deleted", name)
			}
			continue
		}
		if cmd.Context().Err() != nil {
			return err
		}
		err = fault.New(gateway.ProblemOf(err).Code, "can't delete %s: %w", name, err)
		a.out.Failure(err)
		if first == nil {
			first = errReported{gateway.ProblemOf(err).Code}
		}
		if fault.CodeOf(err) == fault.Unreachable {
			break
		}
	}
	return first
}
