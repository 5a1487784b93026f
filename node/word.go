package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// A get of a file's record needs the word of the witness. There are three ways to it: the owner
// asks for it; a reader that is the witness says it in its request; or the
// reader asks owner and witness at the same time. See docs/decisions/0050.

// said is what a reader says of itself, as the witness.
type said struct {
	from peer.ID
	word *pb.Confirm
}

// confirms reports whether it is the witness that says, in the request itself, that the
// grant stands, and that it has the version about to be served.
func (w said) confirms(s *snapshot, ks []kept) bool {
	g := s.Grants.Grant
	if w.word == nil || peerID(g.From) != w.from {
		return false
	}
	stamp := ""
	if len(ks) > 0 {
		stamp = ks[0].entry.Stamp
	}
	return wordIn(w.word).Settles(g.ID, stamp)
}

// wordIn reads a witness's word.
func wordIn(c *pb.Confirm) replica.Vote {
	return replica.Vote{Grant: protocol.GrantID(c.GetGrant()), Stamp: string(c.GetStamp())}
}

// serveWord tells a reader what this node says of a file as the witness of its owner.
func (n *Node) serveWord(a *pb.AskWord) (*pb.FileResponse, error) {
	w := n.wordOf(a.GetName(), peer.ID(a.GetOwner()))
	if w == nil {
		return nil, fault.New(fault.Refused, "not the witness of that peer")
	}
	return &pb.FileResponse{Body: &pb.FileResponse_Word{Word: w}}, nil
}

// wordOf is what this node says of a file when it is the witness of its owner; else nil.
func (n *Node) wordOf(name string, owner peer.ID) *pb.Confirm {
	at := filePlace(name)
	s := n.state.Load()
	id := s.Grants.Granted
	if s.Departing || !s.Grants.MayWitness(s.Grants.Neighbors.Successor(), ring.Key(at.Key), id) || peerID(s.Grants.Neighbors.Successor()) != owner {
		return nil
	}
	ks, err := n.standing(at)
	if err != nil {
		return nil
	}
	w := &pb.Confirm{Grant: protocol.GrantMessage(id), Name: name}
	if len(ks) > 0 {
		w.Stamp = []byte(ks[0].entry.Stamp)
	}
	if n.state.Load().Grants.Granted != id {
		return nil
	}
	return w
}

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
	stamp := lineage(g.rec.RecordBody).Version.Stamp()
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
	return wordIn(r.GetWord())
}
