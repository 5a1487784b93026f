package sim

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// tickLength, and timeout, which is node.Config.Timeout's default.
const (
	tickLength = 100 * millisecond
	timeout    = 10 * time.Second
)

// peer is a virtual node: a disk and an identity, which outlive its lives, and what the product
// runs on them.
type peer struct {
	world *world
	index int
	id    libp2p.ID
	key   crypto.PrivKey
	self  *pb.Peer
	info  protocol.PeerInfo // what self says
	at    ring.Position
	disk  *disk
	skew  moment // of its wall clock

	up      bool
	left    bool // it has left politely, for good
	leaving bool
	life    int
	refuses bool // being down, its system refuses connections
	pause   moment
	stalled []func()
	inbound []*exchange

	env       *environment
	processes []*process
	running   int

	known map[ring.ID]protocol.PeerInfo // by their descriptions
	ring  *chord.Driver
	files *replication.Node
	user  *client

	blocks blocks.Fetcher
	memory *membudget.Budget // never used up
}

// identities are the keys of nodes by their index. Signatures under them are the same in all
// worlds, so they are verified once.
var identities struct {
	sync.Mutex
	keys []crypto.PrivKey
}

func identity(index int) crypto.PrivKey {
	identities.Lock()
	defer identities.Unlock()
	for i := len(identities.keys); i <= index; i++ {
		seed := make([]byte, ed25519.SeedSize)
		binary.BigEndian.PutUint64(seed, uint64(i)) //nolint:gosec // not negative
		key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
		if err != nil {
			panic(err) // it has the size of one
		}
		identities.keys = append(identities.keys, key)
	}
	return identities.keys[index]
}

// add makes a peer at a ring address that is not up yet.
func (w *world) add(host string) *peer {
	p := &peer{world: w, index: len(w.peers), key: identity(len(w.peers))}
	address := protocol.RingAddress{Host: host, Port: "1"}
	var err error
	if p.id, err = libp2p.IDFromPrivateKey(p.key); err != nil {
		panic(err) // every key of this kind has one
	}
	if p.self, err = protocol.DescribePeer(p.key, address); err != nil {
		panic(err) // the address is this package's own
	}
	if p.info, err = protocol.ParsePeer(p.self); err != nil {
		panic(err) // it has just been made
	}
	p.at = p.info.Position
	p.disk = newDisk(p)
	p.env = newEnvironment(p)
	w.peers = append(w.peers, p)
	w.byID[p.at.ID] = p
	return p
}

// addAnywhere makes a peer at a place of the dice's choice.
func (w *world) addAnywhere() *peer { return w.add(fmt.Sprintf("host-%d", w.dice.Uint64())) }

// exec has do happen at the node at a moment, if it then still lives that life; later if it is
// stopped then.
func (w *world) exec(p *peer, life int, at moment, do func()) {
	w.at(at, func() { w.run(p, life, do) })
}

func (w *world) run(p *peer, life int, do func()) {
	switch {
	case !p.up || p.life != life:
	case p.stopped():
		p.stalled = append(p.stalled, func() { w.run(p, life, do) })
	default:
		do()
	}
}

// stopped reports whether the process is stopped, as by SIGSTOP.
func (p *peer) stopped() bool { return p.pause > p.world.now }

// stopFor stops the process for a time. What was to happen meanwhile happens at once then.
func (p *peer) stopFor(d moment) {
	w := p.world
	p.pause = max(p.pause, w.now+d)
	w.at(p.pause, func() {
		if p.stopped() {
			return
		}
		stalled := p.stalled
		p.stalled = nil
		for _, do := range stalled {
			do()
		}
	})
}

// contain ends the run at a panic: it is a mistake in the product.
func (p *peer) contain() {
	if r := recover(); r != nil {
		p.world.check.fail(fmt.Errorf("%w: %v\n%s", errPanic, r, debug.Stack()))
	}
}

// start brings the node up, as node.New does.
func (p *peer) start() {
	w := p.world
	p.up, p.leaving = true, false
	p.life++
	p.pause, p.stalled = 0, nil
	p.env = newEnvironment(p)
	p.known = map[ring.ID]protocol.PeerInfo{}
	m := p.disk.memory
	p.hearOf(slices.Concat(m.Peers, m.Holders))
	var err error
	p.ring, err = chord.New(chord.Config{
		Env: p.env, Self: p.at, Heartbeat: duration(w.heartbeat), Timeout: timeout, Copies: w.copies,
		Peers: m.Peers, Holders: m.Holders, HadPeers: m.HadPeers, Seed: w.dice.Uint64(), Nonce: w.dice.Uint64(),
		Book: p, Transport: p, Hooks: chord.Hooks{Published: p.published, LeftBehind: func(id libp2p.ID) { p.files.LeftBehind(id) }},
	})
	if err != nil {
		panic(err) // the configuration is this package's own
	}
	p.memory = membudget.New(1 << 40)
	p.blocks = blocks.Fetcher{Self: p.id, Router: p.ring, Call: p.Call, Timeout: timeout, Env: p.env}
	p.files = replication.New(replication.Config{
		Self: p.at, ID: p.id, Copies: w.copies, Heartbeat: duration(w.heartbeat), Timeout: timeout, TombstoneGrace: w.grace,
		Env: p.env, Ring: p.ring, Router: p.ring, Peers: p.ring, Transport: p, Blocks: p, Store: p.disk, Folder: p.disk, Memory: p.memory,
		Event: func(kind, text string) { w.note("%d: %s %s", p.index, kind, text) },
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
	p.up, p.refuses = false, refuses
	p.pause, p.stalled = 0, nil
	p.end()
	p.disk.crash()
	if refuses {
		p.hangUp()
	}
}

func duration(m moment) time.Duration { return time.Duration(m) * time.Microsecond }

// joined reports whether the node is up and a member of the ring.
func (p *peer) joined() bool { return p.up && p.ring.Snapshot().View.Joined() }

// serve answers a request of either protocol.
func (p *peer) serve(ctx context.Context, from libp2p.ID, q question, b *body) (answer, error) {
	if q.file == nil {
		resp, err := p.ring.Serve(ctx, from, q.ring)
		if resp == nil {
			resp = &pb.RingResponse{}
		}
		resp.TimeMs = p.files.TimeMillis()
		return answer{ring: resp}, err
	}
	resp, payload, err := p.files.Serve(ctx, from, q.file, b)
	if st := q.file.GetStore(); err == nil && st.GetGrant() != nil {
		p.world.check.witnessed(p, from, st)
	}
	a := answer{file: resp}
	if payload == nil {
		return a, err
	}
	if payload.Release != nil {
		defer payload.Release()
	}
	a.body = payload.Bytes
	if payload.Reader != nil {
		a.body = make([]byte, payload.Size)
		if _, err := io.ReadFull(payload.Reader, a.body); err != nil {
			return a, err
		}
	}
	a.file.BodySize = uint32(len(a.body)) //nolint:gosec // a block
	return a, err
}

// meet asks the bootstrap peer for introductions until the node is a member.
func (p *peer) meet(ctx context.Context) {
	for !p.joined() {
		if peers, found := p.world.introduce(p); len(peers) > 0 || found {
			p.hearOf(peers)
			p.ring.Step(ring.Heard{Peers: peers})
			if found {
				p.ring.Step(ring.Found{})
			}
		}
		if env.Sleep(ctx, p.env, duration(p.world.heartbeat/3)) != nil {
			return
		}
	}
}

// hearOf takes in how peers are described.
func (p *peer) hearOf(peers []ring.Position) {
	for _, q := range peers {
		if _, err := p.Learn(p.world.byID[q.ID].self); err != nil {
			panic(err) // every peer describes itself well
		}
	}
}

// rememberNowAndThen writes down who is in the ring, and how old the copies are.
func (p *peer) rememberNowAndThen(ctx context.Context) {
	for env.Sleep(ctx, p.env, duration(3*p.world.heartbeat)) == nil {
		p.remember()
	}
}

func (p *peer) remember() {
	v, d := p.ring.Snapshot().View, p.disk
	m := memory{
		Remembered: p.files.Memory(), Peers: v.Peers(), HadPeers: d.memory.HadPeers || v.HadPeers(),
		Holders: slices.Concat(v.Predecessors(), v.Successors()),
	}
	// What can't be written now is written later.
	_ = d.change(context.Background(), func() error { d.memory = m; return nil })
}

// memory is what peers.json holds.
type memory struct {
	replication.Remembered
	Peers, Holders []ring.Position
	HadPeers       bool
}

// HadPeers implements replication's Folder.
func (d *disk) HadPeers() bool { return d.memory.HadPeers }

// Remembered implements replication's Folder.
func (d *disk) Remembered() replication.Remembered { return d.memory.Remembered }

// Remember implements replication's Folder.
func (d *disk) Remember(change func(*replication.Remembered)) error {
	return d.change(context.Background(), func() error { change(&d.memory.Remembered); return nil })
}

// LoadCollection implements replication's Folder.
func (d *disk) LoadCollection() (map[string]int64, error) { return maps.Clone(d.collection), nil }

// SaveCollection implements replication's Folder.
func (d *disk) SaveCollection(full map[string]int64) error {
	full = maps.Clone(full)
	return d.change(context.Background(), func() error { d.collection = full; return nil })
}

// leave hands every file over, tells the neighbors and goes, as node's Leave and Quit do. With all,
// every copy counts, and if all are given the disk is emptied.
func (p *peer) leave(ctx context.Context, all bool) {
	p.leaving = true
	s, failed, err := p.files.HandOver(ctx, nil, all)
	if err != nil {
		p.leaving = false
		return
	}
	p.ring.AnnounceDeparture(ctx, s.View, len(failed) > 0)
	p.remember()
	w, life := p.world, p.life
	w.at(w.now, func() {
		if !p.up || p.life != life {
			return
		}
		p.down(true)
		if all && len(failed) == 0 {
			p.left = true
			w.check.destroyed(p)
		}
	})
}

// scrub reads all blocks, as the store does now and then, and so finds those that are damaged.
func (p *peer) scrub() {
	found := false
	_, _, _ = p.disk.Verify(context.Background(), func(store.Hash, error) { found = true })
	if found && p.up {
		p.files.WakeFetch()
	}
}
