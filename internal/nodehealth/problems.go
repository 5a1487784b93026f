package nodehealth

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// Facts are what a node knows of itself.
type Facts struct {
	Snapshot *chord.Snapshot
	// Disk says whether the node steps aside because its disk fails, and DiskFailure why it fails.
	Disk        replica.StandbyState
	DiskFailure string
	// PeersBehind is how many holders are not known to have all copies, and RecordsShort how many
	// records lack copies.
	PeersBehind, RecordsShort int
	// Conflict tells of another process with the node's identity; empty without one.
	Conflict string
	// Contradictions is how many reads have lately found members that contradict each other, and
	// Contradiction tells of the last.
	Contradictions int
	Contradiction  string
	// Panics are those that were contained.
	Panics []string
	// Skew compares the node's clock with Clocks, those of its neighbors.
	Skew   replica.Skew
	Clocks []clocks.Neighbor
	// Name names a peer for people.
	Name func(p ring.Position) string
}

// Problems says what is wrong, the most important first. Without trouble it is empty, and not nil.
func Problems(f Facts) []string {
	problems := []string{}
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	s := f.Snapshot
	switch {
	case f.Disk == replica.Aside:
		say("the disk of this node failed (%s), so it has stepped aside: other peers own its files, and it is only read from; it comes back by itself when the disk can be written again", f.DiskFailure)
	case f.Disk == replica.Settling || s.Standby:
		say("the disk of this node failed (%s) and works again: it comes back in a moment", f.DiskFailure)
	case !s.View.Joined():
		say("not a member of a ring yet")
	case s.Grants.Degraded:
		say("all other members are gone or cut off: files are read from here only, and nothing can be stored")
	case !s.Grants.Synced:
		say("the arc of this node is not served yet: %s", s.Grants.Why)
	}
	if s.View.Joined() && !s.View.Incorporated() {
		say("the predecessor has not taken this node in yet")
	}
	preds, succs := s.View.Predecessors(), s.View.Successors()
	for _, p := range slices.Concat(preds[:min(len(preds), 1)], succs[:min(len(succs), 1)]) {
		if s.View.Suspected(p) {
			say("%s does not answer", peer.ID(p.ID))
		}
	}
	if f.PeersBehind > 0 {
		say("%d peers do not hold all copies of this node's files yet", f.PeersBehind)
	}
	if f.RecordsShort > 0 {
		say("%d records do not have all of their copies yet", f.RecordsShort)
	}
	if f.Disk == replica.Failing {
		say("the disk of this node failed (%s): nothing is stored here until it can be written again, which is tried again and again; the node steps aside when the ring can do without it", f.DiskFailure)
	}
	if f.Conflict != "" {
		say("%s", f.Conflict)
	}
	if f.Contradictions > 0 {
		say("%d reads in the last hour found members that contradict each other, so that one of them is wrong or lies; the last: %s", f.Contradictions, f.Contradiction)
	}
	problems = append(problems, f.Panics...)
	if wrong := f.wrongClock(); wrong != "" {
		say("%s", wrong)
	}
	return problems
}
