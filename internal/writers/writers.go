// Package writers says whose records a private ring takes. An open ring takes those of everybody.
//
// It decides nothing: package network does, of which the Network here knows the present state. It
// has no state and no lock of its own, and starts no goroutine.
package writers

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
)

// Network is a private network as this peer knows it. Its methods don't wait.
type Network interface {
	// MayWrite reports whether a peer may put records at present.
	MayWrite(peer.ID) bool
	// CountsRecord reports whether a record that a peer has signed at a time counts: see
	// network.State.CountsRecord.
	CountsRecord(writer peer.ID, at time.Time) bool
	// EverWrote reports whether a peer may put records, or once might.
	EverWrote(peer.ID) bool
}

// Rule says whose records are taken. The zero Rule is that of an open ring: everybody's.
type Rule struct {
	Network Network // nil in an open ring
}

// CheckPut returns nil if a new record may be written: its writer may write at present. Errors are
// of the kind fault.NotAllowed.
func (r Rule) CheckPut(rec *protocol.Record) error {
	if r.Network == nil || r.Network.MayWrite(rec.By) {
		return nil
	}
	return fault.New(fault.NotAllowed, "%s may not write files in this private ring: an admin has to give it that right", rec.By)
}

// CheckRecord returns nil if a record that another member has handed over, or shown to a reader,
// counts. Errors are of the kind fault.NotAllowed.
//
// A later block counts whatever its clock says: its clock has no meaning, and it is removed when no
// version of its file uses it.
func (r Rule) CheckRecord(rec *protocol.Record) error {
	if r.Network == nil || rec.GetIndex() == 0 && r.Network.CountsRecord(rec.By, protocol.ClockTime(rec.GetClock())) ||
		rec.GetIndex() > 0 && r.Network.EverWrote(rec.By) {
		return nil
	}
	return fault.New(fault.NotAllowed, "the record is signed by %s, which may not write files in this private ring, or might not any more", rec.By)
}

// CountsStamp is CheckRecord for the version of a file, by its stamp.
func (r Rule) CountsStamp(stamp string) bool {
	if r.Network == nil {
		return true
	}
	v, err := replica.ParseStamp(stamp)
	return err == nil && r.Network.CountsRecord(peer.ID(v.Writer), protocol.ClockTime(v.Clock))
}
