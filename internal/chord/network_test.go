package chord

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// virtualNetwork joins drivers of one process. Each request takes a millisecond each way.
type virtualNetwork struct {
	t     *testing.T
	ctx   context.Context
	wg    sync.WaitGroup
	mu    sync.Mutex
	peers map[peer.ID]*networkPeer
}

// networkPeer is a peer of the network: its Book and its Transport.
type networkPeer struct {
	emptyBook
	*Driver
	network *virtualNetwork
	self    *pb.Peer
	end     context.CancelFunc
	gone    bool

	mu     sync.Mutex
	known  map[ring.ID]protocol.PeerInfo
	left   []peer.ID
	pinged []peer.ID // directly
}

// inNetwork runs f in a bubble of virtual time.
func inNetwork(t *testing.T, f func(n *virtualNetwork)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := &virtualNetwork{t: t, ctx: ctx, peers: make(map[peer.ID]*networkPeer)}
		defer n.wg.Wait()
		defer cancel()
		f(n)
	})
}

// Parse implements Book.
func (p *networkPeer) Parse(d *pb.Peer) (protocol.PeerInfo, error) { return p.emptyBook.Parse(d) }

// start starts a peer that knows some others.
func (n *virtualNetwork) start(name string, knows ...*networkPeer) *networkPeer {
	n.t.Helper()
	ctx, end := context.WithCancel(n.ctx)
	p := &networkPeer{network: n, self: &pb.Peer{Id: []byte(name)}, end: end, known: make(map[ring.ID]protocol.PeerInfo)}
	self, _ := p.Parse(p.self)
	var peers []ring.Position
	for _, k := range knows {
		peers = append(peers, LearnAll(p, k.self)...)
	}
	system := env.NewSystem(ctx)
	d, err := New(Config{
		Env: system, Self: self.Position, Heartbeat: 3 * time.Second, Timeout: 10 * time.Second,
		Copies: 3, Peers: peers, Seed: uint64(len(n.peers)), Nonce: uint64(len(n.peers) + 1), Book: p, Transport: p,
		Hooks: Hooks{LeftBehind: func(id peer.ID) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.left = append(p.left, id)
		}},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	p.Driver = d
	n.mu.Lock()
	n.peers[self.ID] = p
	n.mu.Unlock()
	n.wg.Go(func() {
		d.Run(ctx, nobody{})
		system.AwaitProcesses()
	})
	return p
}

// ring starts so many peers and waits until each knows its neighbors.
func (n *virtualNetwork) ring(count int) []*networkPeer {
	n.t.Helper()
	first := n.start("peer 0")
	first.Step(ring.Found{})
	all := []*networkPeer{first}
	for i := 1; i < count; i++ {
		all = append(all, n.start(fmt.Sprintf("peer %d", i), first))
	}
	slices.SortFunc(all, func(a, b *networkPeer) int { return a.cfg.Self.Compare(b.cfg.Self) })
	n.closed(all...)
	return all
}

// closed waits until these peers, in the order of their positions, are the whole ring.
func (n *virtualNetwork) closed(all ...*networkPeer) {
	n.t.Helper()
	var got []protocol.PeerInfo
	var err error
	for range 600 {
		if got, err = all[0].Walk(n.ctx); err == nil && slices.EqualFunc(got, all, func(a protocol.PeerInfo, b *networkPeer) bool { return a.ID == b.id() }) {
			return
		}
		time.Sleep(time.Second)
	}
	n.t.Fatalf("the ring is %v (%v), want %d peers", got, err, len(all))
}

// stop ends a peer as a crash does.
func (p *networkPeer) stop() {
	p.network.mu.Lock()
	p.gone = true
	p.network.mu.Unlock()
	p.end()
}

func (p *networkPeer) Self() *pb.Peer { return p.self }

func (p *networkPeer) Learn(d *pb.Peer) (protocol.PeerInfo, error) {
	info, err := p.Parse(d)
	if err == nil && string(p.self.GetId()) != string(info.ID) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.known[info.Position.ID] = info
	}
	return info, err
}

func (p *networkPeer) LearnFrom(_ peer.ID, d *pb.Peer) (protocol.PeerInfo, error) { return p.Learn(d) }

func (p *networkPeer) Info(id ring.ID) (protocol.PeerInfo, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, ok := p.known[id]
	return info, ok
}

func (p *networkPeer) Connected(peer.ID) bool { return true }

func (p *networkPeer) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	if ping := req.GetPing(); ping != nil && len(ping.GetTarget()) == 0 {
		p.mu.Lock()
		p.pinged = append(p.pinged, to)
		p.mu.Unlock()
	}
	time.Sleep(time.Millisecond)
	p.network.mu.Lock()
	other := p.network.peers[to]
	gone := other == nil || other.gone
	p.network.mu.Unlock()
	if gone {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		<-ctx.Done()
		return nil, fault.New(fault.Unreachable, "no answer: %w", ctx.Err())
	}
	resp, err := other.Serve(ctx, p.id(), req)
	time.Sleep(time.Millisecond)
	return resp, err
}

func TestPeersFormARing(t *testing.T) {
	inNetwork(t, func(n *virtualNetwork) {
		all := n.ring(12)
		for i, p := range all {
			for _, key := range []ring.Key{0, p.cfg.Self.Key, p.cfg.Self.Key + 1, 1 << 15} {
				owner, err := p.Locate(n.ctx, key)
				want := all[0]
				for _, o := range all {
					if o.cfg.Self.Key >= key {
						want = o
						break
					}
				}
				if err != nil || owner.ID != want.id() {
					t.Errorf("peer %d: the owner of %d is %s (%v), want %s", i, key, owner.ID, err, want.id())
				}
				if got, ok := want.Guess(key); !ok || got != want.id() {
					t.Errorf("the owner of %d takes %s for it", key, got)
				}
			}
		}
	})
}

func TestLookupsGoRoundADeadPeer(t *testing.T) {
	inNetwork(t, func(n *virtualNetwork) {
		all := n.ring(8)
		all[3].stop()
		n.closed(slices.Delete(slices.Clone(all), 3, 4)...)
		owner, err := all[6].Locate(n.ctx, all[3].cfg.Self.Key)
		if err != nil || owner.ID != all[4].id() {
			t.Errorf("the owner of a dead peer's key is %s (%v), want %s", owner.ID, err, all[4].id())
		}
	})
}

// A lookup whose time is nearly over has peers pinged only if they had time enough to answer.
func TestAHopInAHurryAccusesNobody(t *testing.T) {
	inNetwork(t, func(n *virtualNetwork) {
		all := n.ring(5)
		asker, next := all[0], all[1]
		time.Sleep(time.Minute)
		next.stop()
		for _, hop := range []struct {
			timeout time.Duration
			pings   bool
		}{{100 * time.Millisecond, false}, {3 * leastPatience, true}} {
			asker.mu.Lock()
			asker.pinged = nil
			asker.mu.Unlock()
			ctx, cancel := context.WithTimeout(n.ctx, hop.timeout)
			_, _ = asker.find(ctx, &pb.Find{Key: uint32(next.cfg.Self.Key), Hops: MaxHops})
			cancel()
			asker.mu.Lock()
			if got := slices.Contains(asker.pinged, next.id()); got != hop.pings {
				t.Errorf("a lookup of %s: it pings the peer that has not answered: %v", hop.timeout, got)
			}
			asker.mu.Unlock()
		}
	})
}

func TestADepartureIsAnnounced(t *testing.T) {
	inNetwork(t, func(n *virtualNetwork) {
		all := n.ring(5)
		gone := all[2]
		gone.AnnounceDeparture(n.ctx, gone.Snapshot().View, true)
		gone.stop()
		n.closed(slices.Delete(slices.Clone(all), 2, 3)...)
		for _, i := range []int{1, 3} {
			all[i].mu.Lock()
			if !slices.Equal(all[i].left, []peer.ID{gone.id()}) {
				t.Errorf("peer %d knows of %v that copies stay behind there", i, all[i].left)
			}
			all[i].mu.Unlock()
		}
	})
}

// Nobody becomes a predecessor, or a member, by a claim of its own.
func TestAStrangerIsAskedFirst(t *testing.T) {
	inNetwork(t, func(n *virtualNetwork) {
		all := n.ring(4)
		stranger := n.start("stranger")
		for _, p := range all {
			if _, err := stranger.Ring(n.ctx, p.id(), &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: stranger.self}}}); err != nil {
				t.Error(err)
			}
			if err := p.CheckMember(n.ctx, stranger.id()); fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("a stranger is a member: %v", err)
			}
			for _, o := range all {
				if err := p.CheckMember(n.ctx, o.id()); err != nil {
					t.Errorf("a member is a stranger: %v", err)
				}
			}
		}
		time.Sleep(time.Minute)
		n.closed(all...)
		for _, p := range all {
			if p.IsNeighbor(stranger.id()) || p.InView(ring.ID(stranger.id())) {
				t.Error("a stranger is in the view of a member")
			}
		}
	})
}

// A peer asked through another one is refuted by its silence there.
func TestAPingThroughAnotherPeer(t *testing.T) {
	inNetwork(t, func(n *virtualNetwork) {
		all := n.ring(3)
		for _, gone := range []bool{false, true} {
			if gone {
				all[2].stop()
			}
			_, err := all[0].Ring(n.ctx, all[1].id(), &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{Target: all[2].self.GetId()}}})
			if (fault.CodeOf(err) == fault.NotFound) != gone {
				t.Errorf("the target is gone: %t; the answer is %v", gone, err)
			}
		}
	})
}
