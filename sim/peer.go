package sim

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/liar"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/internal/virtualdisk"
	"github.com/p2pchord/p2pchord/internal/virtualfolder"
	"github.com/p2pchord/p2pchord/internal/virtualmembers"
	"github.com/p2pchord/p2pchord/internal/virtualnet"
	"github.com/p2pchord/p2pchord/internal/writers"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// timeout is node.Config.Timeout's default.
const timeout = 10 * time.Second

// peer is a virtual node: a disk and an identity, which outlive its lives, and what the product
// runs on them.
type peer struct {
	*virtual.Peer
	*virtualnet.Node
	world  *world
	index  int
	at     ring.Position
	disk   *virtualdisk.Disk
	folder *virtualfolder.Folder

	statements *virtualmembers.Statements // of a private ring; nil in an open one
	heard      map[*peer]time.Duration    // when it has heard that another is revoked
	revoked    bool                       // it is no member, whether or not anybody has heard of it

	left    bool // it has left politely, for good
	leaving bool
	lost    bool // its disk was destroyed: all that was there is gone for good
	// It was outlived if others went on for the grace since the ring's age was stopped: what nobody
	// else has may stay in its quarantine.
	stopped  time.Duration
	outlived bool
	liar     *liar.Liar

	env   *virtual.Env
	book  *virtualnet.Book
	ring  *chord.Driver
	files *replication.Node
	user  *client

	blocks blocks.Fetcher
	memory *membudget.Budget // never used up
}

// add makes a peer at a ring address that is not up yet. In a private ring its invitation has the
// place.
func (w *world) add(host string) *peer {
	p := &peer{world: w, index: len(w.peers), Peer: w.NewPeer(), disk: virtualdisk.New(w.World)}
	if w.private != nil {
		p.Node = w.private.invited(p)
	} else {
		p.Node = w.network.Add(host, p.Peer)
	}
	p.at = p.Info.Position
	p.folder = virtualfolder.New(p.disk)
	p.disk.Updated = func(before, after []store.Entry) { w.check.removed(p, before, after) }
	w.peers = append(w.peers, p)
	w.byID[p.at.ID] = p
	return p
}

// addAnywhere makes a peer at a place of the dice's choice.
func (w *world) addAnywhere() *peer { return w.add(fmt.Sprintf("host-%d", w.Dice.Uint64())) }

// start brings the node up, as node.New does.
func (p *peer) start() {
	w := p.world
	p.leaving = false
	p.outlived = p.outlived || p.stopped > 0 && w.age() > p.stopped+w.grace*7/8
	p.env = p.Start()
	p.disk.Start(p.env)
	p.Listen(p.env, p)
	p.book = p.NewBook()
	m := p.folder.Peers()
	p.book.Meet(slices.Concat(m.Peers, m.Holders))
	var err error
	p.ring, err = chord.New(chord.Config{
		Env: p.env, Self: p.at, Heartbeat: w.heartbeat, Timeout: timeout, Copies: w.copies,
		Peers: m.Peers, Holders: m.Holders, HadPeers: m.HadPeers, Seed: w.Dice.Uint64(), Nonce: w.Dice.Uint64(),
		Book: p.book, Transport: p, Hooks: chord.Hooks{Published: p.published, LeftBehind: func(id libp2p.ID) { p.files.LeftBehind(id) }},
	})
	if err != nil {
		panic(err) // the configuration is this package's own
	}
	p.memory = membudget.New(1 << 40)
	p.blocks = blocks.Fetcher{Self: p.ID, Router: p.ring, Call: p.Call, Timeout: timeout, Env: p.env}
	p.files = replication.New(replication.Config{
		Self: p.at, ID: p.ID, Copies: w.copies, Heartbeat: w.heartbeat, Timeout: timeout, TombstoneGrace: w.grace,
		Env: p.env, Ring: p.ring, Router: p.ring, Peers: p.ring, Transport: p, Blocks: p, Store: p.disk, Folder: p.folder, Memory: p.memory,
		Event: func(kind, text string) { w.note("%d: %s %s", p.index, kind, text) }, Writers: p.writers(),
	})
	p.user = newClient(p)
	p.env.Go("starting", func(ctx context.Context) {
		if err := p.files.Recall(ctx); err != nil {
			w.note("%d does not start: %v", p.index, err)
			return
		}
		p.env.Go("loop", func(ctx context.Context) { p.ring.Run(ctx, p.files) }, nil)
		for _, f := range p.files.Processes() {
			p.env.Go(f.Name, f.Run, nil)
		}
		p.env.Go("remembering", p.rememberNowAndThen, nil)
		p.meet(ctx)
	}, nil)
}

// writers says whose records the peer takes.
func (p *peer) writers() writers.Rule {
	if p.statements == nil {
		return writers.Rule{}
	}
	return writers.Rule{Network: p.statements}
}

// published wakes repair at a change of neighbors, as node does.
func (p *peer) published(old, now *chord.Snapshot) {
	first := func(ps []ring.Position) ring.Position { return append(slices.Clone(ps), ring.Position{})[0] }
	if !old.Grants.Synced && now.Grants.Synced || first(old.View.Successors()) != first(now.View.Successors()) ||
		first(old.View.Predecessors()) != first(now.View.Predecessors()) {
		p.files.WakeRepair()
	}
}

// down ends the node's life. Its system refuses connections from then on, or is gone with it.
func (p *peer) down(refuses bool) {
	p.stopped = p.world.age()
	p.End()
	p.disk.Crash()
	p.HangUp(refuses)
}

// joined reports whether the node is up and a member of the ring.
func (p *peer) joined() bool { return p.Up() && p.ring.Snapshot().View.Joined() }

// ServeRing implements virtualnet.Handler.
func (p *peer) ServeRing(ctx context.Context, from libp2p.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	resp, err := p.ring.Serve(ctx, from, req)
	if resp == nil {
		resp = &pb.RingResponse{}
	}
	resp.TimeMs = p.files.Clocks().Millis()
	return resp, err
}

// ServeFile implements virtualnet.Handler.
func (p *peer) ServeFile(ctx context.Context, from libp2p.ID, req *pb.FileRequest, body replication.Body) (*pb.FileResponse, *protocol.Payload, error) {
	if p.liar != nil && !p.world.quiet {
		return p.liar.Serve(ctx, from, req, body)
	}
	resp, payload, err := p.files.Serve(ctx, from, req, body)
	if st := req.GetStore(); err == nil && st.GetGrant() != nil && !p.revoked {
		p.world.check.witnessed(p, from, st)
	}
	return resp, payload, err
}

// Ring implements chord.Transport. Answers tell the peer's time.
func (p *peer) Ring(ctx context.Context, to libp2p.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	resp, err := p.Node.Ring(ctx, to, req)
	if resp != nil {
		p.files.Clocks().Note(to, resp.GetTimeMs())
	}
	return resp, err
}

// meet asks the bootstrap peer for introductions until the node is a member.
func (p *peer) meet(ctx context.Context) {
	for !p.joined() {
		if p.revoked {
			return // the bootstrap peer has heard of it
		}
		if peers, found := p.world.introduce(p); len(peers) > 0 || found {
			p.book.Meet(peers)
			p.ring.Step(ring.Heard{Peers: peers})
			if found {
				p.ring.Step(ring.Found{})
			}
		}
		if env.Sleep(ctx, p.env, (p.world.heartbeat/3).Truncate(time.Microsecond)) != nil {
			return
		}
	}
}

// rememberNowAndThen writes down who is in the ring, and how old the copies are.
func (p *peer) rememberNowAndThen(ctx context.Context) {
	for env.Sleep(ctx, p.env, 3*p.world.heartbeat) == nil {
		p.world.private.tell(p)
		p.remember()
	}
}

func (p *peer) remember() {
	v := p.ring.Snapshot().View
	p.folder.Save(v, p.files.Memory())
}

// leave hands every file over, tells the neighbors and goes, as node's Leave and Quit do. With all,
// every copy counts, and if all are given the disk is emptied. It returns the files that could not
// be handed over.
func (p *peer) leave(ctx context.Context, all bool) (failed []string, err error) {
	p.leaving = true
	s, failed, err := p.files.HandOver(ctx, nil, all)
	if err != nil {
		p.leaving = false
		return failed, err
	}
	p.ring.AnnounceDeparture(ctx, s.View, len(failed) > 0)
	p.remember()
	p.Now(func() {
		p.down(true)
		if all && len(failed) == 0 {
			p.left = true
			p.world.check.destroyed(p)
		}
	})
	return failed, nil
}

// scrub reads all blocks, as the store does now and then, and so finds those that are damaged.
func (p *peer) scrub() {
	found := false
	_, _, _ = p.disk.Verify(context.Background(), func(store.Hash, error) { found = true })
	if found && p.Up() {
		p.files.WakeFetch()
	}
}

// FindBlock implements replication.BlockFinder.
func (p *peer) FindBlock(ctx context.Context, at store.Place, hash store.Hash, size int, near []libp2p.ID, memory *membudget.Reservation) (*membudget.Buffer, error) {
	got, err := p.blocks.Fetch(ctx, blocks.Block{Name: at.Name, Index: at.Index, Hash: hash, Size: size, Holders: near, Repair: true}, memory)
	return got.Data, err
}

// findBlock gets a block for a user.
func (p *peer) findBlock(ctx context.Context, name string, index uint32, hash store.Hash, size int, near []libp2p.ID) ([]byte, error) {
	memory, err := p.memory.Reserve(ctx, membudget.User, size, 1)
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	got, err := p.blocks.Fetch(ctx, blocks.Block{Name: name, Index: index, Hash: hash, Size: size, Holders: near}, memory)
	if err != nil {
		return nil, err
	}
	defer got.Data.Free()
	return bytes.Clone(got.Data.Data), nil
}
