package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/liar"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// WithClock returns c with another clock to tell ages by.
func (c Config) WithClock(now func() time.Time) Config {
	c.clock = now
	return c
}

// WithStore returns c with other options of the store.
func (c Config) WithStore(change func(*store.Options)) Config {
	c.storeOptions = change
	return c
}

// Confirmed is when others have last confirmed all that the node holds.
func (n *Node) Confirmed() time.Time { return n.replicas.Confirmed() }

// Records counts the files' records that the node has: those that count, and those that are set
// aside.
func (n *Node) Records() (count, aside int) {
	_ = n.store.Scan(allKeys, nil, func(e store.Entry) bool {
		switch {
		case e.Index > 0:
		case e.Counted:
			count++
		default:
			aside++
		}
		return true
	})
	return count, aside
}

// Blocks counts the blocks whose bytes the node has.
func (n *Node) Blocks() int { return int(n.store.Usage().Blocks) }

// Graves counts the deletes of which the node knows, as their owner, that all holders know.
func (n *Node) Graves() int {
	full, err := n.folder.LoadCollection()
	if err != nil {
		panic(err)
	}
	return len(full)
}

// RetractAll gives up the later blocks of a file at their owners.
func (n *Node) RetractAll(ctx context.Context, name string) error {
	var records []*pb.Record
	err := n.store.Scan(allKeys, nil, func(e store.Entry) bool {
		if e.Name == name && e.Index > 0 {
			records = append(records, message(e))
		}
		return true
	})
	for _, rec := range records {
		if err != nil {
			break
		}
		var parsed *protocol.Record
		if parsed, err = protocol.VerifyRecord(rec); err == nil {
			err = n.transfer.Owners().At(ctx, parsed.Key(), func(ctx context.Context, to peer.ID) error {
				r, err := n.replicas.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{rec}}}}, nil)
				if err == nil {
					r.Close()
				}
				return err
			})
		}
	}
	return err
}

// Through shows every request of the operations to seen before it is sent. An error is the answer
// then.
func (o *operations) Through(seen func(ctx context.Context, to peer.ID, req *pb.FileRequest) error) {
	next := o.call
	o.call = func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
		if err := seen(ctx, to, req); err != nil {
			return nil, err
		}
		return next(ctx, to, req, body)
	}
}

// GivesVote reports whether the node votes on a file as the witness of owner.
func (n *Node) GivesVote(name string, owner *Node) bool {
	vote := n.replicas.Vote(name, owner.host.ID())
	return vote.GetName() == name && len(vote.GetStamp()) > 0
}

// ForgetPeer has the node forget who a peer is.
func (n *Node) ForgetPeer(id string) {
	p, err := peer.Decode(id)
	if err != nil {
		panic(err)
	}
	n.book.Forget(ring.ID(p))
}

// KnownPeers counts the peers of which the node has a description.
func (n *Node) KnownPeers() int {
	return n.book.Len()
}

// IsMember reports whether the node takes a peer for a member of the ring.
func (n *Node) IsMember(ctx context.Context, id string) bool {
	p, err := peer.Decode(id)
	return err == nil && n.driver().CheckMember(ctx, p) == nil
}

// Connect connects the node's host to a peer.
func (n *Node) Connect(ctx context.Context, to peer.AddrInfo) error { return n.host.Connect(ctx, to) }

// DropBlock takes a later block of a file out of the node's store, as a fault would.
func (n *Node) DropBlock(ctx context.Context, name string, index uint32) error {
	at := store.Place{Key: uint16(protocol.Place(name, index)), Name: name, Index: index}
	_, err := n.store.Update(ctx, at, func([]store.Entry) ([]store.Entry, error) { return nil, nil })
	return err
}

// Memory is how many bytes blocks take, and how many operations wait for memory.
func (n *Node) Memory() (bytes int64, waiting int) { return n.memory.Used() }

// Plant puts a record into the node's store as an earlier build would have, whether or not it is
// valid.
func (n *Node) Plant(ctx context.Context, m *pb.Record) error {
	body := new(pb.RecordBody)
	if err := proto.Unmarshal(m.GetBody(), body); err != nil {
		return err
	}
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	rec := &protocol.Record{RecordBody: body, Message: m, By: peer.ID(body.GetWriter())}
	entry := store.Entry{
		Place: store.Place{Key: uint16(rec.Key()), Name: body.GetName(), Index: body.GetIndex()}, Stamp: protocol.StampOf(rec),
		Value: value, Block: rec.BlockHash(), Size: uint32(rec.BlockSize()), Counted: true,
	}
	_, err = n.store.Update(ctx, entry.Place, func([]store.Entry) ([]store.Entry, error) { return []store.Entry{entry}, nil })
	return err
}

// Keep makes a record durable here as one that another node hands over.
func (n *Node) Keep(ctx context.Context, m *pb.Record) error {
	handed := &pb.FileRequest{Body: &pb.FileRequest_Store{Store: &pb.Store{Record: m, RecordOnly: true}}}
	_, _, err := n.replicas.Serve(ctx, n.host.ID(), handed, nil)
	return err
}

// Late counts the records that wait for the end of a leave.
func (n *Node) Late() int {
	return n.replicas.Late()
}

// RecordAt is a record of a file, or of one of its later blocks, as the node has it.
func (n *Node) RecordAt(name string, index uint32) *pb.Record {
	es, err := n.store.Entries(store.Place{Key: uint16(protocol.Place(name, index)), Name: name, Index: index})
	if err != nil || len(es) == 0 {
		return nil
	}
	return message(es[0])
}

// message is the record of an entry.
func message(e store.Entry) *pb.Record {
	m := new(pb.Record)
	if err := proto.Unmarshal(e.Value, m); err != nil {
		panic(err)
	}
	return m
}

// CollectAll removes the later blocks of a file that are orphans.
func (n *Node) CollectAll(ctx context.Context, name string) error {
	var blocks []store.Entry
	err := n.store.Scan(allKeys, nil, func(e store.Entry) bool {
		if e.Name == name && e.Index > 0 {
			blocks = append(blocks, e)
		}
		return true
	})
	n.replicas.CollectOrphans(ctx, blocks)
	return err
}

// ListAt asks a peer for all that it holds.
func (n *Node) ListAt(ctx context.Context, p peer.ID) (int, error) {
	items, err := n.replicas.ListHeld(ctx, ring.Position{ID: ring.ID(p)}, &pb.Inventory{First: 0, Last: 0xffff})
	return len(items), err
}

// AddStatements tells the node of statements of its private network.
func (n *Node) AddStatements(raw [][]byte) error {
	_, err := n.private.Add(raw)
	return err
}

// KnowsPeer reports whether the node's book has a description of a peer.
func (n *Node) KnowsPeer(id peer.ID) bool {
	_, ok := n.book.Info(ring.ID(id))
	return ok
}

// HasNeighbor reports whether a peer is in the node's view of the ring.
func (n *Node) HasNeighbor(id peer.ID) bool { return n.isInView(ring.ID(id)) }

// HasRevoked reports whether the node has heard that a peer is revoked.
func (n *Node) HasRevoked(id peer.ID) bool { return n.private.Revoked(id) }

// AnswerFiles has a handler answer other peers in place of the node's own, which it is given.
func (n *Node) AnswerFiles(wrap func(honest liar.Handler) liar.Handler) {
	const file = 1 // of the services
	if err := n.services[file].Close(); err != nil {
		panic(err)
	}
	handler := wrap(n.replicas.Serve)
	opts := protocol.ServeOptions{Limits: n.limits, Neighbor: n.isNeighbor}
	n.services[file] = protocol.ServeFile(n.host, opts,
		func(ctx context.Context, from peer.ID, req *pb.FileRequest, body *protocol.Body) (*pb.FileResponse, *protocol.Payload, error) {
			return handler(ctx, from, req, body)
		})
}
