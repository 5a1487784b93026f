package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Tell whether this node is well, by the exit code",
		Long: `Tell whether the node of --data is well, for scripts, containers and monitoring.

The exit code is 0 when it is a member of the ring, serves its part of it, sees nothing
wrong with its neighbours and its files, and has space; 4 when no node runs; 7 when it
has no space; 5 for all else, which passes when the ring has come to rest. What is wrong
is said, all of it in one line.`,
		Example: example("p2pchord health", "until p2pchord health --quiet; do sleep 1; done"),
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.health(cmd) },
	}
}

// healthResult is the JSON of health.
type healthResult struct {
	OK       bool     `json:"ok"`
	State    string   `json:"state"`
	Problems []string `json:"problems"`
}

func (a *app) health(cmd *cobra.Command) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // nothing was changed
	s, err := p.Health(cmd.Context())
	if err != nil {
		return err
	}
	problems, ill := unwell(s)
	switch {
	case a.json:
		a.out.Object(healthResult{OK: ill == nil, State: s.State, Problems: nonNil(problems)})
	case ill == nil && !a.quiet:
		a.out.Line("ok")
	}
	return ill
}

// unwell lists what is wrong with a node, and makes it an error: nil when it is well.
func unwell(s node.Status) (problems []string, err error) {
	kind := fault.TryAgain
	problems = append(problems, s.Ring.Problems...)
	if s.State != "active" && len(problems) == 0 {
		problems = append(problems, "the node is "+s.State)
	}
	if full := noSpace(s.Storage); full != "" {
		problems, kind = append(problems, full), fault.NoSpace
	}
	if len(problems) == 0 {
		return nil, nil
	}
	return problems, fault.New(kind, "not well: %w", errors.New(strings.Join(problems, "; ")))
}

// roomNeeded is the space in bytes below which a node counts as full: a block of a large file.
const roomNeeded = node.DefaultBlockSize

// noSpace says why a node can't take another file, and what to do; empty when it can.
func noSpace(s node.Storage) string {
	switch {
	case s.CapacityBytes > 0 && s.CapacityBytes-s.UsedBytes < roomNeeded:
		return "the node is full: " + textfmt.Size(s.UsedBytes) + " of " + textfmt.Size(s.CapacityBytes) + " are used; give it more --capacity"
	case s.FreeDiskBytes >= 0 && s.FreeDiskBytes < roomNeeded: // -1 is a disk that can't tell
		return "the disk is full down to the reserve that is left to others: make room there"
	}
	return ""
}
