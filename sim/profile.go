package sim

import (
	"slices"
	"time"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
)

// Profile is a kind of weather: what happens to a ring, how often, and what is promised then.
type Profile struct {
	Name string
	// Nodes are the bounds of how many nodes a ring begins with, and Files of how many names are
	// used.
	Nodes, Files [2]int
	// Copies wants other numbers of copies than the default, too.
	Copies bool
	// Blocks has some files of several blocks.
	Blocks bool
	// Grace is how long tombstones stay, in heartbeats; 0 for so long that none goes.
	Grace int
	// Strict says that P2 holds: no partition, and at most one crash in a repair interval.
	Strict bool
	// Kinds are what happens, each as often as it is named; Every is the mean time between two in
	// heartbeats, and Calm has each wait until the ring has recovered from the last.
	Kinds []kind
	Every int
	Calm  bool
	// Loss and Twice are how likely a message is lost, or comes twice.
	Loss, Twice float64
	// Liar has one of the nodes lie to the others.
	Liar bool
	// Length is how long the users are at it, in heartbeats.
	Length int
	// Private rings are of peers that were invited. With Late, what a peer writes after its
	// revocation doesn't count, and it goes on writing; otherwise clocks may differ by more than
	// that.
	Private, Late bool
}

// Profiles are the kinds of weather from gentle to everything at once.
var Profiles = []Profile{
	{Name: "fair", Nodes: [2]int{1, 9}, Files: [2]int{3, 10}, Strict: true, Length: 40},
	{Name: "growing", Nodes: [2]int{1, 4}, Files: [2]int{3, 12}, Strict: true, Kinds: []kind{join}, Every: 5, Length: 50},
	{Name: "crowd", Nodes: [2]int{2, 6}, Files: [2]int{3, 12}, Strict: true, Kinds: []kind{join, join, join, leave}, Every: 2, Length: 40},
	{Name: "leaving", Nodes: [2]int{5, 10}, Files: [2]int{3, 12}, Strict: true, Kinds: []kind{leave, join, quit, restart}, Every: 8, Calm: true, Length: 60},
	{Name: "crashes", Nodes: [2]int{5, 9}, Files: [2]int{3, 10}, Strict: true, Kinds: []kind{crash, power, restart, join}, Every: 12, Calm: true, Length: 100},
	{Name: "disks", Nodes: [2]int{5, 9}, Files: [2]int{3, 10}, Strict: true, Copies: true, Kinds: []kind{destroy, join, slowDisk, rot, fullDisk}, Every: 10, Calm: true, Length: 100},
	{Name: "clocks", Nodes: [2]int{4, 8}, Files: [2]int{2, 6}, Strict: true, Kinds: []kind{skew, skew, join, crash, restart}, Every: 6, Calm: true, Twice: 0.05, Length: 60},
	{Name: "rain", Nodes: [2]int{4, 9}, Files: [2]int{3, 8}, Strict: true, Kinds: []kind{lossy, join}, Every: 15, Loss: 0.01, Twice: 0.03, Length: 60},
	{Name: "pauses", Nodes: [2]int{4, 8}, Files: [2]int{3, 8}, Strict: true, Kinds: []kind{pause, pause, join}, Every: 12, Calm: true, Length: 80},
	{Name: "cuts", Nodes: [2]int{5, 9}, Files: [2]int{3, 8}, Kinds: []kind{cut, cut, join}, Every: 4, Length: 60},
	{Name: "parted", Nodes: [2]int{6, 10}, Files: [2]int{3, 8}, Kinds: []kind{part, part, join, crash, restart}, Every: 25, Length: 80},
	{Name: "blackouts", Nodes: [2]int{3, 7}, Files: [2]int{3, 8}, Kinds: []kind{restartAll, crash, restart}, Every: 30, Length: 90},
	{Name: "storm", Nodes: [2]int{6, 14}, Files: [2]int{3, 10}, Copies: true, Loss: 0.02, Twice: 0.02, Kinds: []kind{
		join, crash, power, restart, restart, restart, leave, quit, pause, cut, part, lossy, slowDisk, fullDisk, rot, skew, restartAll,
	}, Every: 4, Length: 80},
	{Name: "deletes", Nodes: [2]int{4, 8}, Files: [2]int{2, 5}, Strict: true, Grace: 16, Kinds: []kind{absence, absence, join, crash, restart}, Every: 12, Calm: true, Length: 120},
	{Name: "nights", Nodes: [2]int{3, 7}, Files: [2]int{3, 6}, Grace: 15, Kinds: []kind{night, absence, crash, restart}, Every: 25, Length: 120},
	{Name: "blocks", Nodes: [2]int{4, 8}, Files: [2]int{2, 5}, Blocks: true, Strict: true, Kinds: []kind{join, leave, crash, restart, rot, destroy}, Every: 10, Calm: true, Length: 70},
	{Name: "refusals", Nodes: [2]int{4, 7}, Files: [2]int{1, 2}, Blocks: true, Strict: true, Kinds: []kind{refusal, refusal, fullDisk}, Every: 6, Length: 80},
	{Name: "revoked", Nodes: [2]int{6, 9}, Files: [2]int{3, 8}, Strict: true, Private: true, Kinds: []kind{revoke, join, join, crash, restart}, Every: 10, Calm: true, Twice: 0.02, Length: 80},
	{Name: "late", Nodes: [2]int{6, 10}, Files: [2]int{3, 8}, Private: true, Late: true, Kinds: []kind{revoke, part, part, join, join, cut, crash, restart}, Every: 10, Length: 90},
	{Name: "liar", Nodes: [2]int{5, 7}, Files: [2]int{2, 5}, Blocks: true, Strict: true, Liar: true, Kinds: []kind{join}, Every: 15, Length: 70},
	{Name: "large", Nodes: [2]int{40, 100}, Files: [2]int{20, 40}, Strict: true, Kinds: []kind{crash, restart, join, leave}, Every: 15, Calm: true, Length: 30},
}

// ProfileNamed finds a profile; nil if there is none.
func ProfileNamed(name string) *Profile {
	i := slices.IndexFunc(Profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &Profiles[i]
}

// lengths of what lasts, in heartbeats.
var lengths = map[kind][2]int{
	restartAll: {0, 3}, pause: {1, 12}, cut: {1, 15}, part: {5, 25}, lossy: {1, 5}, slowDisk: {1, 8}, fullDisk: {3, 12}, absence: {20, 80}, refusal: {2, 8}, night: {20, 40}, revoke: {5, 25},
}

// draw makes the schedule of a seed.
func (f *Profile) draw(d virtual.Dice, heartbeat time.Duration, from time.Duration) schedule {
	var out schedule
	if len(f.Kinds) == 0 {
		return nil
	}
	every := time.Duration(f.Every) * heartbeat
	for at := from + d.Between(0, every); at < from+time.Duration(f.Length)*heartbeat; at += d.Between(every/4, 2*every) {
		m := misfortune{at: at, kind: f.Kinds[d.IntN(len(f.Kinds))], a: d.IntN(1 << 16), b: d.IntN(1 << 16), calm: f.Calm}
		if l, ok := lengths[m.kind]; ok {
			m.length = d.Between(time.Duration(l[0])*heartbeat, time.Duration(l[1])*heartbeat)
		}
		out = append(out, m)
	}
	return out
}
