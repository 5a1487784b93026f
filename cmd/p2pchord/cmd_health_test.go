package main

import (
	"errors"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func TestUnwell(t *testing.T) {
	t.Parallel()
	well := node.Status{State: "active", Ring: node.RingHealth{OK: true}, Storage: node.Storage{UsedBytes: 5, FreeDiskBytes: spaceNeeded}}
	with := func(change func(*node.Status)) node.Status {
		s := well
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		s        node.Status
		want     error
		problems int
	}{
		"well":            {well, nil, 0},
		"joining":         {with(func(s *node.Status) { s.State = "joining" }), fault.TryAgain, 1},
		"ring":            {with(func(s *node.Status) { s.Ring = node.RingHealth{Problems: []string{"a", "b"}} }), fault.TryAgain, 2},
		"capacity":        {with(func(s *node.Status) { s.Storage.CapacityBytes = spaceNeeded }), fault.NoSpace, 1},
		"capacity left":   {with(func(s *node.Status) { s.Storage.CapacityBytes = spaceNeeded + 5 }), nil, 0},
		"disk":            {with(func(s *node.Status) { s.Storage.FreeDiskBytes = spaceNeeded - 1 }), fault.NoSpace, 1},
		"disk unknown":    {with(func(s *node.Status) { s.Storage.FreeDiskBytes = -1 }), nil, 0},
		"full and joined": {with(func(s *node.Status) { s.State, s.Storage.FreeDiskBytes = "leaving", 0 }), fault.NoSpace, 2},
	} {
		problems, err := unwell(c.s)
		if !errors.Is(err, c.want) || len(problems) != c.problems {
			t.Errorf("%s: %q, %v", name, problems, err)
		}
	}
}
