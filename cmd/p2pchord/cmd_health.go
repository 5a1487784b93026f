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
		Short: "Report by exit code whether this node is healthy",
		Long: `Report whether the node of --data is healthy, for scripts, containers, and monitoring.

The exit code is 0 when it is a member of the ring, serves its part of it, sees no problem
with its neighbors and its files, and has space; 4 when no node runs; 7 when it has no space;
5 for anything else, which passes when the ring has settled. The problems are printed in one
line.`,
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

// unwell lists the problems of a node, and returns them as an error; nil when it is healthy.
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
	return problems, fault.New(kind, "not healthy: %w", errors.New(strings.Join(problems, "; ")))
}

// spaceNeeded is the space in bytes below which a node counts as full: a block of a large file.
const spaceNeeded = node.DefaultBlockSize

// noSpace says why a node has no space for another file, and what to do; "" when it has.
func noSpace(s node.Storage) string {
	switch {
	case s.CapacityBytes > 0 && s.CapacityBytes-s.UsedBytes < spaceNeeded:
		return "the node is full: " + textfmt.Size(s.UsedBytes) + " of " + textfmt.Size(s.CapacityBytes) + " are used; give it more --capacity"
	case s.FreeDiskBytes >= 0 && s.FreeDiskBytes < spaceNeeded: // -1 means unknown
		return "the disk is full except for the reserve, which is left to other programs: free some space"
	}
	return ""
}
