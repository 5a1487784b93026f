package replica

import (
	"slices"

	"github.com/p2pchord/p2pchord/ring"
)

// Verdict is what the owner of a key says about a copy that a peer outside the key's
// holders has: a stray.
type Verdict uint8

const (
	// Keep says that the owner can't tell, or that too few holders have the version yet.
	Keep Verdict = iota
	// Send says that the owner lacks the version and wants it.
	Send
	// Holder says that the asker is one of the holders.
	Holder
	// Drop says that enough others have the version, or one that replaced it.
	Drop
)

// Covering returns the index of the record among current (the owner's, winner first)
// that makes a copy of version v needless once enough holders have it: the very version, or
// the first that replaced it. False when there is none: the owner has to get the copy.
func Covering(current []Record, v Version) (int, bool) {
	if i := slices.IndexFunc(current, func(r Record) bool { return r.Version == v }); i >= 0 {
		return i, true
	}
	i := slices.IndexFunc(current, func(r Record) bool { return r.Supersedes(v) })
	return i, i >= 0
}

// Release is the question whether a stray may be dropped, as its key's owner sees it
// when the record that covers it is known.
type Release struct {
	// Asker is named by its ID: where it stands is for the owner's view to say, and not for what
	// was told of it.
	Asker ring.ID
	// Holders are those of the key, the owner among them; Complete says that there are no others.
	Holders  []ring.Position
	Complete bool
	// Copies is how many copies the covering record shall have.
	Copies int
	// Have says of each of Holders whether it has the covering record durably, with its bytes.
	Have []bool
}

// FromHolder reports whether the asker is one of the holders, wherever it says that it stands.
func (r Release) FromHolder() bool {
	return slices.ContainsFunc(r.Holders, func(h ring.Position) bool { return h.ID == r.Asker })
}

// Judge decides about a stray. An owner asks it only while it is synced, not degraded, and its
// witness has confirmed the grant during the request. All holders must have the covering record,
// and there must be as many as copies are wanted: in a ring too small for that nothing is dropped.
// See docs/replication.md.
func (r Release) Judge() Verdict {
	switch {
	case r.FromHolder():
		return Holder
	case !r.Complete || len(r.Holders) < r.Copies || len(r.Have) != len(r.Holders) || slices.Contains(r.Have, false):
		return Keep
	default:
		return Drop
	}
}

// Surrender is the question whether the owner's verdict Drop may be carried out, as the holder of
// the copy sees it. One peer's word is never enough to give a copy up: the holder asks each of the
// others itself.
type Surrender struct {
	Self ring.ID
	// Holders are those of the key as the ring names them, the owner first.
	Holders []ring.Position
	// Copies is how many copies the record at hand shall have.
	Copies int
	// Shown says of each of Holders whether it has shown the record, or one that replaced it, and
	// its bytes.
	Shown []bool
}

// May reports whether the copy may go: as many others as there shall be copies have shown theirs.
func (s Surrender) May() bool {
	if len(s.Holders) < s.Copies || len(s.Shown) != len(s.Holders) || slices.Contains(s.Shown, false) {
		return false
	}
	return !slices.ContainsFunc(s.Holders, func(h ring.Position) bool { return h.ID == s.Self })
}

// Heirs returns who shall hold the copies of a key when self has left the ring, at most copies of
// them, the owner first. preds and succs are self's neighbors, nearest first; holders are those of
// the key now (ring.View.Holders with one copy more than wanted). It is empty when self doesn't
// know the key's holders: then its owner has to be looked up.
func Heirs(self ring.Position, preds, succs, holders []ring.Position, copies int) []ring.Position {
	var out []ring.Position
	add := func(ps ...ring.Position) {
		for _, p := range ps {
			if p.IsNode() && p != self && len(out) < copies && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	first := preds[:min(1, len(preds))]
	switch at := slices.Index(holders, self); {
	case at == 0: // the arc goes to the successor, whose predecessor is the leaver's
		add(succs[:min(1, len(succs))]...)
		add(first...)
		add(succs...)
	case at == 1 && len(preds) > 0: // the leaver's predecessor becomes the owner's
		add(holders[0])
		add(first...)
		add(holders...)
	default:
		add(holders...)
	}
	return out
}
