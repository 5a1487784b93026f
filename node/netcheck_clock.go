package node

import (
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/ring"
)

// skewShown is by how much, in milliseconds, clocks may differ before netcheck tells.
const skewShown = 5000

// checkClocks compares this node's clock with its neighbors', and notes in them which of theirs are wrong.
func (n *Node) checkClocks(neighbors []NeighbourCheck) ClockCheck {
	own := n.clock()
	skew, others := n.clockSkew(skewShown)
	signed := make([]int64, 0, len(neighbors))
	for i := range neighbors {
		id, err := peer.Decode(neighbors[i].PeerID)
		if err != nil {
			continue
		}
		told := false
		for j, c := range others {
			if peerID(c.of) == id {
				told = true
				off := inMillis(skew.Others[j]).Seconds()
				neighbors[i].ClockSeconds = &off
				signed = append(signed, inMillis(c.shows.Early).Nanoseconds())
			}
		}
		if info, _ := n.book.info(ring.ID(id)); !told && info.Seq > 0 {
			signed = append(signed, int64(info.Seq)) //nolint:gosec // a time
		}
	}
	out := clockCheck(signed, inMillis(own).Nanoseconds())
	out.Off = inMillis(skew.Own).Seconds()
	return out
}

// clockCheck compares the times that neighbors tell, or at which they signed their addresses, with the clock here. All are
// in nanoseconds since 1970.
func clockCheck(signed []int64, now int64) ClockCheck {
	out := ClockCheck{Compared: len(signed)}
	for _, t := range signed {
		if ahead := t - now; ahead > inMillis(skewShown).Nanoseconds() {
			out.Ahead++
			out.Seconds = max(out.Seconds, float64(ahead)/1e9)
		}
	}
	return out
}

// whatClocksDecide is why a clock matters.
const whatClocksDecide = "New files of a clock that is more than ten minutes ahead are refused, and of two versions stored at nearly the same time the clock decides which one wins."

// clockTrouble tells whose clock is wrong.
func clockTrouble(f facts) []Problem {
	return append(wrongDates(f), clocksThatDiffer(f)...)
}

// wrongDates tells of bootstrap peers that refuse, or are refused, by the dates in their certificates.
func wrongDates(f facts) (out []Problem) {
	for _, b := range f.Bootstrap {
		if b.TCP == DialWrongDate || b.QUIC == DialWrongDate {
			out = append(out, noteOf("clock_date",
				fmt.Sprintf("The clocks of this machine and of the bootstrap peer at %s differ.", b.Addr),
				"Its certificate is not valid by this machine's clock. Where it can be, a connection is secured in another way, which knows no dates.",
				"Set the clock that is wrong, best by the network (NTP).")...)
		}
	}
	return out
}

func clocksThatDiffer(f facts) []Problem {
	switch off := f.Clock.Off; {
	case off < 0:
		return clockProblem("clock_behind", off, fmt.Sprintf("This machine's clock is %s behind.", secondsWords(off)),
			"It is compared with those of the neighbours, most of which agree.", "Set it, best by the network (NTP). "+whatClocksDecide)
	case off > 0:
		return clockProblem("clock_fast", off, fmt.Sprintf("This machine's clock is %s ahead.", secondsWords(off)),
			"It is compared with those of the neighbours, most of which agree.", "Set it, best by the network (NTP). "+whatClocksDecide)
	}
	if told, differ := peerClocks(f); told {
		return differ
	}
	switch {
	case f.Clock.Ahead == 0:
		return nil
	case 2*f.Clock.Ahead > f.Clock.Compared:
		return noteOf("clock_behind",
			fmt.Sprintf("This machine's clock is behind, by %.0f seconds or more.", f.Clock.Seconds),
			"The clocks of most neighbours are ahead of it.",
			"Set the clock, best by the network (NTP). "+whatClocksDecide)
	}
	return noteOf("clock_ahead",
		fmt.Sprintf("The clock of %d of %d neighbours is ahead of this machine's, by up to %.0f seconds.", f.Clock.Ahead, f.Clock.Compared, f.Clock.Seconds),
		"They, or this machine, don't get the time by the network (NTP).",
		"Set the clocks. "+whatClocksDecide)
}

// peerClocks names the neighbors whose clocks are wrong; told is whether any has told its time.
func peerClocks(f facts) (told bool, out []Problem) {
	for _, n := range f.Neighbours {
		if n.ClockSeconds == nil {
			continue
		}
		told = true
		off := *n.ClockSeconds
		if off == 0 {
			continue
		}
		name := n.PeerID
		if n.RingAddress != "" {
			name = fmt.Sprintf("%s (%s)", n.RingAddress, n.PeerID)
		}
		way := "ahead"
		if off < 0 {
			way = "behind"
		}
		if f.Clock.Compared == 1 {
			out = append(out, clockProblem("clocks_differ", off, fmt.Sprintf("The clock of %s is %s %s this machine's.", name, secondsWords(off), aheadOrBehind(int64(off))),
				"One of the two is wrong, and no third one is known to compare them with.", "Set the one that is wrong, best by the network (NTP). "+whatClocksDecide)...)
			continue
		}
		out = append(out, noteOf("peer_clock", fmt.Sprintf("The clock of %s is %s %s.", name, secondsWords(off), way),
			"It is compared with this machine's and those of the other neighbours, most of which agree.", "Set the clock of that machine, best by the network (NTP). "+whatClocksDecide)...)
	}
	return told, out
}

// clockProblem is a fault when clocks differ by so much that the node says so itself.
func clockProblem(code string, off float64, what, why, do string) []Problem {
	if max(off, -off) < inMillis(skewTolerated).Seconds() {
		return noteOf(code, what, why, do)
	}
	return faultOf(code, what, why, do)
}

func secondsWords(seconds float64) string {
	return clockWords(time.Duration(seconds * float64(time.Second)))
}
