package transfer

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/blocks"
	"github.com/p2pchord/p2pchord/internal/transfer/quorum"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/internal/writers"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// Router finds peers of the ring.
type Router interface {
	request.Router
	// Starts names the peers to ask first for the owner of key, to go on from there step by step.
	Starts(key ring.Key) []peer.ID
	// Nearer asks one peer for the owner of key, or for peers nearer to it.
	Nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error)
	// Walk goes around the ring once and returns its members in ring order, starting anywhere.
	Walk(ctx context.Context) ([]protocol.PeerInfo, error)
}

// Config is what a Client works with.
type Config struct {
	Key     crypto.PrivKey // signs records
	ID      peer.ID        // Key's peer
	Memory  *membudget.Budget
	Timeout time.Duration // how long an operation goes on without progress
	Router  Router
	Call    request.Caller
	// Learn verifies the description of a peer that an answer holds, and remembers it.
	Learn func(*pb.Peer) (protocol.PeerInfo, error)
	// Known returns what has been learned of a peer, false if nothing was.
	Known func(peer.ID) (protocol.PeerInfo, bool)
	// Path returns how the connection to a peer goes, false if there is none.
	Path func(peer.ID) (connpath.Path, bool)
	// Writers says whose records are believed. Default: everybody's, as in an open ring.
	Writers writers.Rule

	// Vault returns the keys with which files are encrypted before they leave, or an error while
	// this peer has none. If it is nil, files are stored as they are.
	Vault func() (*vault.Vault, error)
	// Clear reports whether files that are not encrypted are looked for too, as in a network that
	// was made of an open ring. It may be nil: they aren't.
	Clear func() bool

	// Conflicts counts the answers of members that contradict each other. Default: nobody counts.
	Conflicts *quorum.Conflicts

	// What follows is nil for a client that is no member.

	// ReadBlock reads a block from the member's own store into buf. It returns nil if the block
	// isn't there.
	ReadBlock func(ctx context.Context, hash [protocol.HashSize]byte, buf []byte) []byte
	// HoldBlock offers a block in memory to the member's own store until release is called, which
	// frees it.
	HoldBlock func(hash [protocol.HashSize]byte, buf *membudget.Buffer) (release func())
	// Vote returns the member's vote as the witness of owner, nil if it isn't that.
	Vote func(name string, owner peer.ID) *pb.Confirm
	// ClockOffset returns the milliseconds to add to this machine's clock, as the neighbors' clocks
	// show.
	ClockOffset func() int64
}

// Client puts files into a ring and reads them. Its methods may be called from many goroutines.
type Client struct {
	cfg    Config
	owners request.Owners
	blocks blocks.Fetcher
	reader *quorum.Reader
	// written counts the records that were signed. It begins at a random number, because an earlier
	// process of the same peer has counted too.
	written atomic.Uint32
}

// New returns a Client.
func New(cfg Config) *Client {
	c := &Client{
		cfg:    cfg,
		owners: request.Owners{Router: cfg.Router, Learn: cfg.Learn, Timeout: cfg.Timeout},
		blocks: blocks.Fetcher{Self: cfg.ID, Router: cfg.Router, Call: cfg.Call, Timeout: cfg.Timeout},
		reader: quorum.New(quorum.Config{
			Self: cfg.ID, Locate: cfg.Router.Locate, Call: cfg.Call, Learn: cfg.Learn, Vote: cfg.Vote, Timeout: cfg.Timeout,
			Writers: cfg.Writers, Conflicts: cfg.Conflicts,
		}),
	}
	c.written.Store(rand.Uint32()) //nolint:gosec // not a secret
	return c
}

// Owners carries out requests at the owners of keys.
func (c *Client) Owners() *request.Owners { return &c.owners }

// Blocks fetches blocks from other peers.
func (c *Client) Blocks() *blocks.Fetcher { return &c.blocks }

// now is the time in milliseconds since 1970 that this peer writes with.
func (c *Client) now() int64 {
	now := time.Now().UnixMilli()
	if c.cfg.ClockOffset != nil {
		now += c.cfg.ClockOffset()
	}
	return now
}

// nextClock returns the clock of a version that replaces one with clock current.
func (c *Client) nextClock(current uint64) uint64 {
	return replica.NextClock(c.now(), current, uint16(c.written.Add(1))) //nolint:gosec // the low bits
}
