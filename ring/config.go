package ring

import (
	"errors"
	"fmt"
)

// ErrConfig is wrapped by every refusal of Config.Validate.
var ErrConfig = errors.New("ring: configuration refused")

// MaxList bounds the successor and predecessor lists: what a node may be asked to
// carry in one message.
const MaxList = 64

// Config is what a Machine is made with. Periods are in ticks; the driver decides how
// long a tick is (100 ms by default). DefaultConfig fills it for a heartbeat.
type Config struct {
	// Self is this node's position. No default.
	Self Position
	// Successors is r, the length of the successor list. Default 8: a ring loses a node's
	// last live successor only if 8 neighbors in a row die within one stabilize period.
	Successors int
	// Predecessors is how many predecessors are kept. Default 8, the greatest number of
	// copies: the holders of every arc of which this node may hold a copy. Only the first is
	// the protocol's pointer; the others are what it said.
	Predecessors int
	// Fingers is how many fingers are kept, finger i being the successor of key + 2^i.
	// Default 16, the bits of a key.
	Fingers int
	// Cache is how many peers are remembered. Default 2048: a ring of some thousands is the
	// limit of 16-bit keys, and this much is some 100 KiB.
	Cache int
	// Seed makes this node's jitter and choices. Default 0; the driver gives a random one, a
	// simulation a chosen one.
	Seed uint64
	// Peers are the peers remembered from an earlier run, if any.
	Peers []Position
	// HadPeers says that the node was in a ring with others before it was restarted. It
	// must then not found a ring at once, and founds one only by the rule of
	// docs/decisions/0005: FoundRounds and LoneRounds below. Found is ignored.
	HadPeers bool

	// Stabilize is the period of stabilize in a ring at rest. Default heartbeat/3.
	Stabilize uint32
	// Fast is the period of stabilize after a change; it doubles with every round that
	// changes nothing until it reaches Stabilize. Default heartbeat/15, at least 1.
	Fast uint32
	// Predecessor is the period at which the predecessor is queried: for its life, for
	// incorporation, for the predecessors behind it. Default heartbeat/3.
	Predecessor uint32
	// Finger is the period at which the next finger is fixed. Default heartbeat/3.
	Finger uint32
	// Probe is the period of the merge probe. Default two heartbeats. A node without
	// successors probes at the period Stabilize.
	Probe uint32
	// JoinRetry is the length of a join round. Default heartbeat/3.
	JoinRetry uint32
	// JoinFanout is how many known peers are asked in one join round at most; the first
	// round asks 2, and each further round twice as many. Default 8.
	JoinFanout int
	// FoundRounds is how many join rounds in a row must have found no incorporated member
	// before a node that had peers, and reached some of them, founds a ring. Default 5.
	FoundRounds int
	// LoneRounds is the same for a node that had peers and reaches none of them. Default 60
	// (a minute at the default heartbeat): a lone node shall come back for reading, and not
	// because its network was late.
	LoneRounds int
	// Orphan is after how long a member that no incorporated predecessor has named gives
	// its membership up and joins again, spread by a quarter both ways. Default ten heartbeats.
	Orphan uint32

	// Vias is how many other peers are asked to ping a peer under suspicion. Default 3, as
	// in SWIM and memberlist.
	Vias int
	// Unreachable is how many suspicions in a row may end with "others reach it, I do not"
	// before the peer is passed over as if it were dead. Default 5.
	Unreachable int
	// DeadHold is how long a peer that was found dead is not tried again as a
	// neighbor, unless it is heard of itself. Default two heartbeats.
	DeadHold uint32
	// Pause is how many ticks at once mean that the process was paused, so that
	// everything outstanding is void. Default half a heartbeat.
	Pause uint32
	// StepLimit is after how many ticks (times the patience) an unanswered command is void although
	// the driver has not reported a time-out: a guard against a driver that loses one. Default ten
	// heartbeats.
	StepLimit uint32
}

// DefaultConfig returns the defaults for a node at self when one heartbeat is the
// given number of ticks (30 for 3 s at 100 ms). A heartbeat below 3 counts as 3.
func DefaultConfig(self Position, heartbeat uint32) Config {
	h := max(heartbeat, 3)
	return Config{
		Self:         self,
		Successors:   8,
		Predecessors: 8,
		Fingers:      16,
		Cache:        2048,
		Stabilize:    h / 3,
		Fast:         max(h/15, 1),
		Predecessor:  h / 3,
		Finger:       h / 3,
		Probe:        2 * h,
		JoinRetry:    h / 3,
		JoinFanout:   8,
		FoundRounds:  5,
		LoneRounds:   60,
		Orphan:       10 * h,
		Vias:         3,
		Unreachable:  5,
		DeadHold:     2 * h,
		Pause:        max(h/2, 2),
		StepLimit:    10 * h,
	}
}

// Validate refuses a configuration that no node could work with. The error wraps ErrConfig.
func (c Config) Validate() error {
	if !c.Self.IsNode() {
		return fmt.Errorf("%w: Self has no peer ID", ErrConfig)
	}
	for _, f := range []struct {
		name       string
		value      int
		least, top int
	}{
		{"Successors", c.Successors, 2, MaxList},
		{"Predecessors", c.Predecessors, 1, MaxList},
		{"Fingers", c.Fingers, 0, 16},
		{"Cache", c.Cache, 4, 1 << 16},
		{"JoinFanout", c.JoinFanout, 1, 64},
		{"FoundRounds", c.FoundRounds, 1, 1 << 20},
		{"LoneRounds", c.LoneRounds, c.FoundRounds, 1 << 20},
		{"Vias", c.Vias, 0, 16},
		{"Unreachable", c.Unreachable, 1, 1 << 20},
	} {
		if f.value < f.least || f.value > f.top {
			return fmt.Errorf("%w: %s is %d, must be from %d to %d", ErrConfig, f.name, f.value, f.least, f.top)
		}
	}
	for _, f := range []struct {
		name  string
		value uint32
	}{
		{"Stabilize", c.Stabilize},
		{"Fast", c.Fast},
		{"Predecessor", c.Predecessor},
		{"Finger", c.Finger},
		{"Probe", c.Probe},
		{"JoinRetry", c.JoinRetry},
		{"Orphan", c.Orphan},
		{"DeadHold", c.DeadHold},
		{"StepLimit", c.StepLimit},
	} {
		if f.value == 0 {
			return fmt.Errorf("%w: %s is 0 ticks, must be at least 1", ErrConfig, f.name)
		}
	}
	if c.Pause < 2 {
		return fmt.Errorf("%w: Pause is %d ticks, must be at least 2", ErrConfig, c.Pause)
	}
	return nil
}
