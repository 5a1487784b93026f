package node

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

// witnesses are the peers that were said to be the predecessors of owners, and so their witnesses.
// A wrong one costs a question in vain. The zero value is ready.
type witnesses struct {
	mu sync.Mutex
	of map[peer.ID]peer.ID // by owner
}

// maxWitnesses bounds what is remembered.
const maxWitnesses = 1024

// note takes in whom an owner's answer names as the holders of a file: the owner, its predecessor, and others.
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

// getBoth asks the owner and its witness at the same time. It returns nothing when they don't
// agree, or when this reader can't ask like that: the owner has to ask the witness then.
func (o *operations) getBoth(ctx context.Context, owner peer.ID, get *pb.Get, room *membudget.Reservation) (*gotten, error) {
	witness, ok := o.witnesses.get(owner)
	if !ok || owner == o.id || witness == o.id || get.GetWitness() != nil || get.GetVersion() != nil || get.GetTombstone() {
		return nil, nil
	}
	if _, connected := o.path(witness); !connected {
		return nil, nil // making a connection takes longer than the owner does
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	words := make(chan replica.Vote, 1)
	contain.Go(&wg, "asking a witness", func() { words <- o.askWord(asking, witness, owner, get.GetName()) }, func() { words <- replica.Vote{} })

	ask := &pb.Get{Name: get.GetName(), WithBody: get.GetWithBody(), Unconfirmed: true}
	r, err := o.call(ctx, owner, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: ask}}, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	g, err := o.readGot(r, ask, owner, room)
	grant := r.GetGot().GetGrant()
	if err != nil || grant == nil { // it has asked by itself
		return g, err
	}
	stamp := protocol.Lineage(g.rec.RecordBody).Version.Stamp()
	late := time.NewTimer(o.timeout / 10)
	defer late.Stop()
	select {
	case w := <-words:
		if w.Settles(protocol.GrantID(grant), stamp) {
			return g, nil
		}
	case <-late.C:
	case <-ctx.Done():
	}
	g.data.Free()
	o.witnesses.forget(owner)
	return nil, ctx.Err()
}

// askWord asks a witness for its word, which is empty when it gives none.
func (o *operations) askWord(ctx context.Context, witness, owner peer.ID, name string) replica.Vote {
	r, err := o.call(ctx, witness, &pb.FileRequest{Body: &pb.FileRequest_Word{Word: &pb.AskWord{Name: name, Owner: []byte(owner)}}}, nil)
	if err != nil {
		return replica.Vote{}
	}
	defer r.Close()
	return protocol.Vote(r.GetWord())
}
