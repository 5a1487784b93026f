package writers

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// network has a member, a peer that was revoked at a time, and nobody else.
type network struct{ revoked time.Time }

func (network) MayWrite(p peer.ID) bool  { return p == "member" }
func (network) EverWrote(p peer.ID) bool { return p == "member" || p == "revoked" }

func (n network) CountsRecord(p peer.ID, at time.Time) bool {
	return p == "member" || p == "revoked" && !at.After(n.revoked)
}

func TestWhoseRecordsAreTaken(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_000)
	private := Rule{Network: network{at}}
	for _, c := range []struct {
		name         string
		rule         Rule
		writer       peer.ID
		index        uint32
		when         time.Time
		put, counted bool
	}{
		{"open", Rule{}, "anybody", 0, at, true, true},
		{"a member", private, "member", 0, at.Add(time.Hour), true, true},
		{"a stranger", private, "stranger", 0, at.Add(-time.Hour), false, false},
		{"a stranger's block", private, "stranger", 1, at.Add(-time.Hour), false, false},
		{"before the revocation", private, "revoked", 0, at, false, true},
		{"after the revocation", private, "revoked", 0, at.Add(time.Second), false, false},
		{"a block, after the revocation", private, "revoked", 1, at.Add(time.Second), false, true},
	} {
		rec := &protocol.Record{By: c.writer, RecordBody: &pb.RecordBody{Index: c.index, Clock: protocol.Clock(c.when), Writer: []byte(c.writer)}}
		put, counted := c.rule.CheckPut(rec), c.rule.CheckRecord(rec)
		if (put == nil) != c.put || (counted == nil) != c.counted {
			t.Errorf("%s: put %v, counted %v", c.name, put, counted)
		}
		for _, err := range []error{put, counted} {
			if err != nil && fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("%s: of the kind %s", c.name, fault.CodeOf(err))
			}
		}
		if got := c.rule.CountsStamp(protocol.StampOfVersion(rec.GetClock(), c.writer)); c.index == 0 && got != c.counted {
			t.Errorf("%s: its stamp counts: %t", c.name, got)
		}
	}
}
