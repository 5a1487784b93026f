// Package instance finds out whether a second process runs under this host's identity: a copied
// data folder, a cloned virtual machine, a restored backup beside the original.
//
// Two such processes can't dial each other, because libp2p regards the other one as itself. Their
// common neighbors see both: each as a connection of the same peer. A Guard therefore asks its
// neighbors for proofs from every process that is connected under its own identity, before it
// joins, and again whenever a neighbor reports that it sees two. A proof is signed with the
// identity's key over a fresh challenge, so a neighbor can neither invent a second process nor
// replay one.
//
// A Guard decides nothing: it reports each other instance to its owner, and Outranks decides which
// of two has to yield. A Conflict remembers what was found. The Guard owns the goroutines that
// answer, probe, and ask; Close waits for them. AskSome waits for its own. Each mutex is a leaf: no
// other lock is taken while it is held, and no callback runs under it.
package instance

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

var log = logging.Logger("p2pchord/instance")

const (
	// probeTimeout is how long a process has to prove itself. A process that vanished, as after a
	// power cut, leaves connections behind that answer nothing.
	probeTimeout = 2 * time.Second
	// askTimeout bounds one question to a neighbor, which probes meanwhile.
	askTimeout = probeTimeout + 2*time.Second
	// settleTime is how long a second connection has to stay before it is checked: dials that
	// race over two transports leave one behind for a moment.
	settleTime = time.Second
	// maxReviews bounds the peers that are checked, or asked, at the same time.
	maxReviews = 32
)

// Other is another process that was proved to run under this host's identity.
type Other struct {
	Instance *pb.Instance
	Address  string  // where the neighbor sees it; an unverified hint for people
	Seen     peer.ID // the neighbor
}

// Config is the configuration of a Guard. Every field is required.
type Config struct {
	Host host.Host
	// Member reports whether this process is a member of the ring now.
	Member func() bool
	// Found is called with each Other, from a goroutine of the Guard or of Ask's caller. It must
	// not block, and must not call Close.
	Found func(Other)
}

// work is one thing done about one peer; it isn't done twice at the same time.
type work struct {
	peer peer.ID
	what workKind
}

type workKind int

const (
	reviewing workKind = iota // finding out whether the peer is one process
	telling                   // telling the peer's processes of each other
	asking                    // asking the peer for others with this host's identity
)

// Guard looks for other instances of a host. Its methods may be called from many goroutines.
type Guard struct {
	cfg     Config
	started uint64
	nonce   uint64
	service *protocol.Service
	watch   *network.NotifyBundle
	reviews *rate.Limiter // of what neighbors make this process ask

	ctx    context.Context //nolint:containedctx // it is the guard's life, not a call's
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	busy   map[work]bool
}

// New starts a Guard.
func New(cfg Config) *Guard {
	ctx, cancel := context.WithCancel(context.Background())
	g := &Guard{
		cfg: cfg, started: uint64(time.Now().UnixMilli()), nonce: nonce(), //nolint:gosec // after 1970
		reviews: rate.NewLimiter(1, 4), ctx: ctx, cancel: cancel, busy: make(map[work]bool),
	}
	g.service = protocol.ServeInstance(cfg.Host, protocol.ServeOptions{PerPeer: 4, Total: 64}, g.serve)
	g.watch = &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) { g.connected(c.RemotePeer()) }}
	cfg.Host.Network().Notify(g.watch)
	return g
}

func nonce() uint64 {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if n := binary.LittleEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}

// Close stops answering and waits for what the Guard has started.
func (g *Guard) Close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.cfg.Host.Network().StopNotify(g.watch)
	err := g.service.Close()
	g.wg.Wait()
	return err
}

// Self returns this process's own instance as it is now.
func (g *Guard) Self() *pb.Instance {
	return &pb.Instance{Started: g.started, Nonce: g.nonce, Member: g.cfg.Member()}
}

// Outranks reports whether a continues and b has to yield: a member before one that hasn't joined,
// then the one that started first. It is a total order, so of any two exactly one yields.
func Outranks(a, b *pb.Instance) bool {
	switch {
	case a.GetMember() != b.GetMember():
		return a.GetMember()
	case a.GetStarted() != b.GetStarted():
		return a.GetStarted() < b.GetStarted()
	default:
		return a.GetNonce() < b.GetNonce()
	}
}

// start does w in a goroutine, unless it is under way already, too much is, or the Guard is closed.
func (g *Guard) start(w work, do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.busy[w] || len(g.busy) >= maxReviews {
		return
	}
	g.busy[w] = true
	contain.Go(&g.wg, "looking for other instances", func() {
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			delete(g.busy, w)
		}()
		do()
	}, nil)
}

// serve answers one request.
func (g *Guard) serve(ctx context.Context, from peer.ID, req *pb.InstanceRequest) (*pb.InstanceResponse, error) {
	switch r := req.GetBody().(type) {
	case *pb.InstanceRequest_Prove:
		p, err := protocol.SignInstance(g.cfg.Host.Peerstore().PrivKey(g.cfg.Host.ID()), r.Prove.GetChallenge(), g.Self())
		if err != nil {
			return nil, err
		}
		return protocol.InstanceAnswer(p), nil
	case *pb.InstanceRequest_Find:
		proofs := g.probe(ctx, from, r.Find.GetChallenge())
		if g.differ(from, r.Find.GetChallenge(), proofs) {
			// the one that didn't ask has to know, too
			g.start(work{from, telling}, func() { g.tell(from) })
		}
		return protocol.InstanceAnswer(proofs...), nil
	case *pb.InstanceRequest_Review:
		if g.reviews.Allow() {
			g.start(work{from, asking}, func() {
				if err := g.Ask(g.ctx, from); err != nil {
					log.Debugw("a neighbor sees another instance and can't show it", "peer", from, "err", err)
				}
			})
		}
		return &pb.InstanceResponse{}, nil
	}
	return nil, fault.New(fault.Usage, "unknown request")
}

// probe asks for a proof over every connection to p, at the same time, and returns those that came.
func (g *Guard) probe(ctx context.Context, p peer.ID, challenge []byte) []*pb.InstanceProof {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conns := g.cfg.Host.Network().ConnsToPeer(p)
	conns = conns[:min(len(conns), protocol.MaxProofs)]
	proofs := make([]*pb.InstanceProof, len(conns))
	var wg sync.WaitGroup
	for i, c := range conns {
		contain.Go(&wg, "asking for a proof", func() {
			resp, err := protocol.AskInstance(ctx, c, &pb.InstanceRequest{Body: &pb.InstanceRequest_Prove{Prove: &pb.ProveInstance{Challenge: challenge}}})
			if err != nil || len(resp.GetProofs().GetProofs()) != 1 {
				log.Debugw("no proof of an instance", "peer", p, "addr", c.RemoteMultiaddr(), "err", err)
				return
			}
			proofs[i] = resp.GetProofs().GetProofs()[0]
			proofs[i].Address = c.RemoteMultiaddr().String()
		}, nil)
	}
	wg.Wait()
	out := proofs[:0]
	for _, proof := range proofs {
		if proof != nil {
			out = append(out, proof)
		}
	}
	return out
}

// Ask asks a neighbor, over a connection that exists, which other processes it sees under this
// host's identity, and gives each to Config.Found. An error means that the neighbor could not
// answer.
func (g *Guard) Ask(ctx context.Context, neighbor peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conns := g.cfg.Host.Network().ConnsToPeer(neighbor)
	if len(conns) == 0 {
		return fault.New(fault.Unreachable, "%s is not connected", neighbor)
	}
	challenge := newChallenge()
	resp, err := protocol.AskInstance(ctx, conns[0], &pb.InstanceRequest{Body: &pb.InstanceRequest_Find{Find: &pb.FindInstances{Challenge: challenge}}})
	if err != nil {
		return err
	}
	key := g.cfg.Host.Peerstore().PubKey(g.cfg.Host.ID())
	for _, p := range resp.GetProofs().GetProofs() {
		i, err := protocol.VerifyInstance(key, challenge, p)
		if err != nil {
			return err
		}
		if i.GetNonce() != g.nonce {
			g.cfg.Found(Other{Instance: i, Address: p.GetAddress(), Seen: neighbor})
		}
	}
	return nil
}

// connected checks a peer that has more than one connection, once they have settled.
func (g *Guard) connected(p peer.ID) {
	if len(g.cfg.Host.Network().ConnsToPeer(p)) < 2 {
		return
	}
	g.start(work{p, reviewing}, func() {
		timer := time.NewTimer(settleTime)
		defer timer.Stop()
		select {
		case <-timer.C:
			g.review(p)
		case <-g.ctx.Done():
		}
	})
}

// review notifies the processes behind a peer's connections if they are more than one.
func (g *Guard) review(p peer.ID) {
	if len(g.cfg.Host.Network().ConnsToPeer(p)) < 2 {
		return
	}
	challenge := newChallenge()
	if g.differ(p, challenge, g.probe(g.ctx, p, challenge)) {
		g.start(work{p, telling}, func() { g.tell(p) })
	}
}

// differ reports whether the proofs are of more than one process with p's identity.
func (g *Guard) differ(p peer.ID, challenge []byte, proofs []*pb.InstanceProof) bool {
	key := g.cfg.Host.Peerstore().PubKey(p)
	if key == nil {
		return false
	}
	seen := make(map[uint64]bool)
	for _, proof := range proofs {
		if i, err := protocol.VerifyInstance(key, challenge, proof); err == nil {
			seen[i.GetNonce()] = true
		}
	}
	return len(seen) > 1
}

// tell makes every process behind p's connections look for the others.
func (g *Guard) tell(p peer.ID) {
	log.Warnw("two processes run with one identity", "peer", p)
	ctx, cancel := context.WithTimeout(g.ctx, probeTimeout)
	defer cancel()
	conns := g.cfg.Host.Network().ConnsToPeer(p)
	for _, c := range conns[:min(len(conns), protocol.MaxProofs)] {
		if _, err := protocol.AskInstance(ctx, c, &pb.InstanceRequest{Body: &pb.InstanceRequest_Review{Review: &pb.ReviewInstances{}}}); err != nil {
			log.Debugw("telling an instance of the other one", "peer", p, "err", err)
		}
	}
}

// Linger continues to answer for a moment. A process that yields calls it before it ends, so that
// the other one can be shown its proof.
func (g *Guard) Linger() {
	timer := time.NewTimer(probeTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.ctx.Done():
	}
}

func newChallenge() []byte {
	b := make([]byte, protocol.ChallengeSize)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}
