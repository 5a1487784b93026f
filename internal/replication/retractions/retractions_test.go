package retractions

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// Whoever gives up many blocks, which anybody can, takes no more memory for it than there is, and
// the blocks that others give up afterwards are remembered.
func TestWhatIsGivenUpIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r Retractions
		for i := range uint64(maxRetracted) {
			var g givenUp
			binary.BigEndian.PutUint64(g[:], i)
			r.add(g, time.Now())
		}
		block := records.Stored{RecordBody: &pb.RecordBody{Clock: 5, Writer: []byte("w")}, Entry: store.Entry{Place: store.Place{Name: "honest", Index: 1}, Stamp: "s"}}
		r.add(givenUpOf(block.Entry.Place, block.Entry.Stamp, block.GetClock(), block.GetWriter()), time.Now())
		if !r.Has(block, time.Now()) {
			t.Error("a block that is given up when others have given up many is not remembered")
		}
		time.Sleep(remembersRetracted + time.Second)
		if r.Has(block, time.Now()) {
			t.Error("a block is remembered for too long")
		}
		r.add(givenUp{1}, time.Now())
		if len(r.of) != 1 || r.order.Len() != 1 {
			t.Errorf("%d are remembered, want the last one", len(r.of))
		}
	})
}
