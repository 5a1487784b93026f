package transfer

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// A get of a file's record needs the vote of the witness. There are three ways to it: the owner
// asks for it; a reader that is the witness sends it with its request; or the reader asks owner and
// witness at the same time. See docs/decisions/0050.

// witnesses are the peers that were named as the predecessors of owners, and so their witnesses. A
// wrong one costs a question in vain. The zero value is ready, and safe for concurrent use.
type witnesses struct {
	mu sync.Mutex
	of map[peer.ID]peer.ID // by owner
}

// maxWitnesses bounds what is remembered.
const maxWitnesses = 1024

// note takes in the holders of a file that an owner's answer names: the owner, its predecessor, and
// others.
func (w *witnesses) note(owner peer.ID, holders []peer.ID) {
	if len(holders) < 2 || holders[0] != owner {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil || len(w.of) >= maxWitnesses {
		w.of = make(map[peer.ID]peer.ID)
	}
	w.of[owner] = holders[1]
}

func (w *witnesses) forget(owner peer.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of, owner)
}

func (w *witnesses) get(owner peer.ID) (peer.ID, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.of[owner]
	return id, ok
}

// askBoth asks the owner and its witness at the same time. It returns nothing if they don't agree,
// or if this reader can't ask like that: then the owner has to ask the witness.
func (c *Client) askBoth(ctx context.Context, owner peer.ID, t target, get *pb.Get, memory *membudget.Reservation) (*result, error) {
	witness, ok := c.witnesses.get(owner)
	if !ok || owner == c.cfg.ID || witness == c.cfg.ID || get.GetWitness() != nil || get.GetVersion() != nil || get.GetTombstone() {
		return nil, nil
	}
	if _, connected := c.cfg.Path(witness); !connected {
		return nil, nil // making a connection takes longer than the owner does
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	votes := make(chan replica.Vote, 1)
	contain.Go(&wg, "asking a witness", func() { votes <- c.askVote(asking, witness, owner, get.GetName()) }, func() { votes <- replica.Vote{} })

	ask := &pb.Get{Name: get.GetName(), WithBody: get.GetWithBody(), Unconfirmed: true}
	r, err := c.cfg.Call(ctx, owner, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: ask}}, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	found, err := c.readResult(r, t, ask, owner, memory)
	grant := r.GetGot().GetGrant()
	if err != nil || grant == nil { // without a grant the owner has asked the witness by itself
		return found, err
	}
	stamp := protocol.Lineage(found.rec.RecordBody).Version.Stamp()
	late := time.NewTimer(c.cfg.Timeout / 10)
	defer late.Stop()
	select {
	case v := <-votes:
		if v.Settles(protocol.GrantID(grant), stamp) {
			return found, nil
		}
	case <-late.C:
	case <-ctx.Done():
	}
	found.first.Data.Free()
	c.witnesses.forget(owner)
	return nil, ctx.Err()
}

// askVote asks a witness for its vote, which is empty if it gives none.
func (c *Client) askVote(ctx context.Context, witness, owner peer.ID, name string) replica.Vote {
	r, err := c.cfg.Call(ctx, witness, &pb.FileRequest{Body: &pb.FileRequest_Word{Word: &pb.AskWord{Name: name, Owner: []byte(owner)}}}, nil)
	if err != nil {
		return replica.Vote{}
	}
	defer r.Close()
	return protocol.Vote(r.GetWord())
}
