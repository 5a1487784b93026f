package replication

import (
	"context"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/arc"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/internal/replication/commit"
	"github.com/p2pchord/p2pchord/internal/replication/fetch"
	"github.com/p2pchord/p2pchord/internal/replication/foreground"
	"github.com/p2pchord/p2pchord/internal/replication/handover"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/localblocks"
	"github.com/p2pchord/p2pchord/internal/replication/orphans"
	"github.com/p2pchord/p2pchord/internal/replication/quarantine"
	"github.com/p2pchord/p2pchord/internal/replication/retractions"
	"github.com/p2pchord/p2pchord/internal/replication/tombstones"
	"github.com/p2pchord/p2pchord/internal/transfer/quorum"
	"github.com/p2pchord/p2pchord/internal/writers"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// People set the level of these lines under the name of the package that they use.
var log = golog.Logger("node")

// Config is what a Node is made of. Every field without a default must be set.
type Config struct {
	Self ring.Position
	ID   peer.ID // of Self

	Copies         int           // of a file whose writer asks for no number
	Heartbeat      time.Duration // the period of the ring's checks
	Timeout        time.Duration // of one step of an operation
	TombstoneGrace time.Duration // see replica.Grace

	Env       env.Env
	Ring      Ring
	Router    Router
	Peers     Peers
	Transport Transport
	Blocks    BlockFinder
	Store     Store
	Folder    Folder
	Memory    *membudget.Budget // for blocks; one that is never used up doesn't wait

	// Writers says whose records are taken. Default: everybody's, as in an open ring.
	Writers writers.Rule
	// Clock is what dates and ages are told by. Default: Env.Now.
	Clock func() time.Time
	// MissingBytes wakes the fetching of missing bytes. Default: one of the node's own.
	MissingBytes *env.Wakeup
	// StepsAside reports whether the node is about to leave the ring because its disk fails.
	// Default: never.
	StepsAside func() bool
	// Event is told what a person may want to know. It does not wait. Default: nobody is told.
	Event func(kind, text string)
	// Metrics counts the copies that repair moves. Default: nobody counts.
	Metrics Metrics
	// Conflicts counts the answers of members that contradict each other. Default: nobody counts.
	Conflicts *quorum.Conflicts
}

// Node is what one member of the ring does about files. Its methods may be called from many
// processes.
type Node struct {
	cfg       Config
	self      ring.Position
	id        peer.ID
	env       env.Env
	ring      Ring
	peers     Peers
	transport Transport
	store     Store
	folder    Folder
	memory    *membudget.Budget
	metrics   Metrics

	repairing *env.Wakeup
	reviewing *env.Wakeup // of whose records count
	fetcher   *fetch.Fetcher
	reader    *quorum.Reader

	foreground    *foreground.Load
	blocks        *localblocks.Blocks
	clocks        *clocks.Clocks
	held          *inventory.Inventory
	health        *copyHealth
	arc           *arc.Arc
	commits       *commit.Commits
	leave         *handover.Leave
	orphans       *orphans.Collector
	quarantine    *quarantine.Quarantine
	tombstones    *tombstones.Collector
	released      releases
	retracted     retractions.Retractions
	claimTimeouts claimTimeouts
}

// New returns a Node that does nothing until it is asked.
func New(cfg Config) *Node {
	n := &Node{
		cfg: cfg, self: cfg.Self, id: cfg.ID, env: cfg.Env, ring: cfg.Ring, peers: cfg.Peers, transport: cfg.Transport,
		store: cfg.Store, folder: cfg.Folder, memory: cfg.Memory, metrics: cfg.Metrics,
		repairing: env.NewWakeup(cfg.Env), reviewing: env.NewWakeup(cfg.Env), health: newCopyHealth(),
	}
	if n.cfg.MissingBytes == nil {
		n.cfg.MissingBytes = env.NewWakeup(cfg.Env)
	}
	if n.metrics == nil {
		n.metrics = noMetrics{}
	}
	if n.cfg.Clock == nil {
		n.cfg.Clock = n.env.Now
	}
	n.foreground = foreground.New(n.env)
	n.blocks = localblocks.New(n.env, n.store, n.memory, n.foreground)
	n.held = inventory.New(n.store, n.Call)
	n.fetcher = fetch.New(fetch.Config{
		Heartbeat: n.cfg.Heartbeat, Timeout: n.cfg.Timeout, Env: n.env, Store: n.store, Blocks: n.cfg.Blocks, Memory: n.memory, Load: n.foreground,
		Wakeup: n.cfg.MissingBytes, Fetched: n.metrics.RepairFetched,
		Owns: func(key ring.Key) bool { return n.ring.Snapshot().Grants.Owns(key) },
	})
	n.reader = quorum.New(quorum.Config{
		Self: n.id, Locate: n.cfg.Router.Locate, Call: n.Call, Learn: n.peers.Learn, Vote: n.Vote, Timeout: n.cfg.Timeout, Env: n.env,
		Writers: n.cfg.Writers, Conflicts: n.cfg.Conflicts,
	})
	n.clocks = clocks.New(clocks.Config{
		ID: n.id, Env: n.env, Clock: n.cfg.Clock, Heartbeat: n.cfg.Heartbeat, Grace: n.grace(), Neighbors: n.neighbors,
	})
	n.health.asked(n.folder.Remembered().Copies)
	n.newParts()
	return n
}

// newParts makes the parts that work on this node's own arc and its copies.
func (n *Node) newParts() {
	n.arc = arc.New(arc.Config{
		Self: n.self, Copies: n.cfg.Copies, Heartbeat: n.cfg.Heartbeat, Timeout: n.cfg.Timeout, Env: n.env, Ring: n.ring, Peers: n.peers, Call: n.Call,
		MostCopies: n.health.wanted,
	})
	n.commits = commit.New(commit.Config{
		Self: n.self, ID: n.id, Timeout: n.cfg.Timeout, Env: n.env, Arc: n.arc, Held: n.held, Retracted: &n.retracted, Ring: n.ring, Router: n.cfg.Router,
		Store: n.store, Call: n.Call, WakeRepair: n.WakeRepair,
	})
	n.orphans = orphans.New(orphans.Config{
		ID: n.id, Heartbeat: n.cfg.Heartbeat, Timeout: n.cfg.Timeout, Env: n.env, Arc: n.arc, Clocks: n.clocks, Retracted: &n.retracted, Ring: n.ring,
		Router: n.cfg.Router, Peers: n.peers, Store: n.store, Call: n.Call, Versions: n.reader.Versions, Drop: n.drop,
	})
	n.tombstones = tombstones.New(tombstones.Config{
		Heartbeat: n.cfg.Heartbeat, Grace: n.cfg.TombstoneGrace, Arc: n.arc, Clocks: n.clocks, Ring: n.ring, Peers: n.peers, Store: n.store, Folder: n.folder,
		Call: n.Call, Drop: n.drop, Unbroken: func() int64 { return n.quarantine.Unbroken() },
	})
	n.quarantine = quarantine.New(quarantine.Config{
		Self: n.self, Copies: n.cfg.Copies, Grace: n.cfg.TombstoneGrace, Env: n.env, Clocks: n.clocks, Held: n.held, Store: n.store,
		Remember: func() error { return n.folder.Remember(func(m *Remembered) { m.Aside = true }) },
		Pull:     n.pull, Event: n.event, Counts: n.cfg.Writers.CountsStamp,
	})
	n.leave = handover.New(handover.Config{
		Self: n.self, ID: n.id, Heartbeat: n.cfg.Heartbeat, Timeout: n.cfg.Timeout, Env: n.env, Ring: n.ring, Router: n.cfg.Router, Store: n.store,
		Copies: n.arc.Copies, Push: n.push, Holds: n.hasShown, Covers: n.covers, Shows: n.hasShown, Event: n.event,
	})
}

// Process is a loop that runs as long as the node.
type Process struct {
	Name string
	Run  func(context.Context)
}

// Processes are the loops that run beside the answers to requests. Recall comes before them.
func (n *Node) Processes() []Process {
	all := []Process{
		{"removing invalid records", n.dropInvalid},
		{"repair", n.repairLoop},
		{"fetching", n.fetcher.Run},
		{"strays", n.strayLoop},
		{"orphans", n.orphans.Run},
		{"attestations", n.confirmLoop},
	}
	if n.cfg.Writers.Network != nil {
		all = append(all, Process{"writers", n.writersLoop})
	}
	return all
}

// WakeRepair asks for a round of repair soon.
func (n *Node) WakeRepair() { n.repairing.Wake() }

// WakeFetch asks for missing bytes to be fetched soon.
func (n *Node) WakeFetch() { n.cfg.MissingBytes.Wake() }

// grace is how long tombstones are kept, and how long a copy counts that no owner has attested.
func (n *Node) grace() replica.Grace { return replica.Grace(n.cfg.TombstoneGrace.Milliseconds()) }

func (n *Node) event(kind, text string) {
	if n.cfg.Event != nil {
		n.cfg.Event(kind, text)
	}
}

func (n *Node) stepsAside() bool { return n.cfg.StepsAside != nil && n.cfg.StepsAside() }

func (n *Node) neighbors() []ring.Position {
	s := n.ring.Snapshot()
	if s == nil {
		return nil
	}
	return s.View.Neighbors()
}

// Clocks tells the present by the clocks of this node and its neighbors.
func (n *Node) Clocks() *clocks.Clocks { return n.clocks }

// LocalBlock reads a block from this node's own store into buf; nil when it is not here.
func (n *Node) LocalBlock(ctx context.Context, h [protocol.HashSize]byte, buf []byte) []byte {
	return n.blocks.Read(ctx, h, buf)
}

// Hold offers the bytes of a block in memory, with their hash, until release is called. When an
// owner sends this node its copy of the block, the bytes come from there.
func (n *Node) Hold(hash [protocol.HashSize]byte, buf *membudget.Buffer) (release func()) {
	return n.blocks.Hold(hash, buf)
}

// peerID is the libp2p identity of the node at p.
func peerID(p ring.Position) peer.ID { return peer.ID(p.ID) }

// HandOver is the outcome for one file when a node hands over what it holds.
type HandOver = handover.Outcome

// HandOver stops serving and gives every record the copies that it shall have without this node;
// see handover.Leave.
func (n *Node) HandOver(ctx context.Context, report func(HandOver), all bool) (s *chord.Snapshot, failed []string, err error) {
	return n.leave.Run(ctx, report, all)
}

// Late is how many records have come in while others are being handed over.
func (n *Node) Late() int { return n.leave.Late() }

// CollectOrphans removes those of the blocks that no version of their file uses.
func (n *Node) CollectOrphans(ctx context.Context, blocks []store.Entry) {
	n.orphans.Collect(ctx, blocks)
}

// LeftBehind records that a peer has left the ring with copies that may be nowhere else.
func (n *Node) LeftBehind(id peer.ID) { n.fetcher.LeftBehind(id) }

// ListHeld asks a peer for everything that inv names.
func (n *Node) ListHeld(ctx context.Context, from ring.Position, inv *pb.Inventory) ([]*pb.Item, error) {
	return n.held.List(ctx, from, inv)
}
