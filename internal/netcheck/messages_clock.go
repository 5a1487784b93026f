package netcheck

import (
	"fmt"
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
)

// ClockTolerance is by how much clocks may differ before a check reports it.
const ClockTolerance = 5 * time.Second

// CompareClocks compares the times that neighbors report, or at which they signed their addresses,
// with the clock here.
func CompareClocks(theirs []time.Time, now time.Time) ClockCheck {
	out := ClockCheck{Compared: len(theirs)}
	for _, t := range theirs {
		if ahead := t.Sub(now); ahead > ClockTolerance {
			out.Ahead++
			out.Seconds = max(out.Seconds, ahead.Seconds())
		}
	}
	return out
}

// clocksMatter explains why a clock has to be right.
const clocksMatter = "New files of a clock that is more than ten minutes ahead are refused, and of two versions stored at nearly the same time the clock decides which one wins."

// wrongClocks reports whose clock is wrong.
func wrongClocks(f facts) []Problem {
	return append(wrongDates(f), differentClocks(f)...)
}

func differentClocks(f facts) []Problem {
	switch off := f.Clock.Off; {
	case off < 0:
		return clockProblem(f, "clock_behind", off, fmt.Sprintf("This machine's clock is %s behind.", secondsText(off)),
			"It is compared with those of the neighbors, most of which agree.", "Set it, best by the network (NTP). "+clocksMatter)
	case off > 0:
		return clockProblem(f, "clock_fast", off, fmt.Sprintf("This machine's clock is %s ahead.", secondsText(off)),
			"It is compared with those of the neighbors, most of which agree.", "Set it, best by the network (NTP). "+clocksMatter)
	}
	if reported, wrong := peerClocks(f); reported {
		return wrong
	}
	switch {
	case f.Clock.Ahead == 0:
		return nil
	case 2*f.Clock.Ahead > f.Clock.Compared:
		return newNote("clock_behind",
			fmt.Sprintf("This machine's clock is behind, by %.0f seconds or more.", f.Clock.Seconds),
			"The clocks of most neighbors are ahead of it.",
			"Set the clock, best by the network (NTP). "+clocksMatter)
	}
	return newNote("clock_ahead",
		fmt.Sprintf("The clock of %d of %d neighbors is ahead of this machine's, by up to %.0f seconds.", f.Clock.Ahead, f.Clock.Compared, f.Clock.Seconds),
		"They, or this machine, don't get the time by the network (NTP).",
		"Set the clocks. "+clocksMatter)
}

// peerClocks names the neighbors whose clocks are wrong. reported says whether any has reported its
// time.
func peerClocks(f facts) (reported bool, out []Problem) {
	for _, n := range f.Neighbours {
		if n.ClockSeconds == nil {
			continue
		}
		reported = true
		off := *n.ClockSeconds
		if off == 0 {
			continue
		}
		name := n.PeerID
		if n.RingAddress != "" {
			name = fmt.Sprintf("%s (%s)", n.RingAddress, n.PeerID)
		}
		direction, than := "ahead", "ahead of"
		if off < 0 {
			direction, than = "behind", "behind"
		}
		if f.Clock.Compared == 1 {
			out = append(out, clockProblem(f, "clocks_differ", off, fmt.Sprintf("The clock of %s is %s %s this machine's.", name, secondsText(off), than),
				"One of the two is wrong, and no third one is known to compare them with.", "Set the one that is wrong, best by the network (NTP). "+clocksMatter)...)
			continue
		}
		out = append(out, newNote("peer_clock", fmt.Sprintf("The clock of %s is %s %s.", name, secondsText(off), direction),
			"It is compared with this machine's and those of the other neighbors, most of which agree.", "Set the clock of that machine, best by the network (NTP). "+clocksMatter)...)
	}
	return reported, out
}

// clockProblem is a fault when the clocks differ so much that the node counts as unwell.
func clockProblem(f facts, code string, off float64, what, why, do string) []Problem {
	if max(off, -off) < f.clockFault.Seconds() {
		return newNote(code, what, why, do)
	}
	return newFault(code, what, why, do)
}

func secondsText(seconds float64) string {
	return duration.Rough(time.Duration(seconds * float64(time.Second)))
}
