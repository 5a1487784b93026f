package node

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/chord/book"
	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Client uses a ring without becoming a member: it holds no files and nobody routes
// through it. Its methods may be called from many goroutines.
type Client struct {
	operations

	host   host.Host
	client *protocol.Client
	book   *book.Book
	env    env.Env
	wg     sync.WaitGroup // of what env has started

	mu      sync.Mutex
	members []protocol.PeerInfo // heard of, by position; those that don't answer are taken out
}

// Dial connects to a ring through bootstrap peers, or through members given in their place.
func Dial(ctx context.Context, cfg ClientConfig) (_ *Client, err error) {
	if len(cfg.Bootstrap) == 0 {
		return nil, fault.New(fault.Usage, "a client needs the multiaddr of a bootstrap peer")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MemoryBytes, err = memoryBytes(cfg.MemoryBytes); err != nil {
		return nil, err
	}
	relays, err := peeraddr.Infos(cfg.Bootstrap)
	if err != nil {
		return nil, err
	}
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client, Relays: relays})
	if err != nil {
		return nil, err
	}
	c := &Client{host: h, book: book.New(h, nil)}
	c.env = env.NewSystem(context.Background(), &c.wg)
	c.client = protocol.NewClient(h, protocol.ClientOptions{
		DialTimeout: cfg.Timeout, Timeout: cfg.Timeout, Progress: cfg.Timeout, Limits: limits(cfg.LimitUp, cfg.LimitDown),
	})
	remote := request.Remote(c.client)
	c.operations = operations{
		key: h.Peerstore().PrivKey(h.ID()), id: h.ID(), memory: membudget.New(cfg.MemoryBytes), timeout: cfg.Timeout, route: c, learn: c.meetPeer,
		known: func(p peer.ID) (protocol.PeerInfo, bool) { return c.book.Info(ring.ID(p)) },
		path:  func(p peer.ID) (connpath.Path, bool) { return connpath.To(h, p) },
		call: unlessStalled(cfg.Timeout, func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
			c.book.Prepare(to)
			r, err := remote(ctx, to, req, body)
			if chord.NoAnswer(err) {
				c.forget(to)
			}
			return r, err
		}),
	}
	c.begin()
	if err := c.meet(ctx, cfg); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// meet asks the bootstrap peers, all at a time, until one has introduced members.
func (c *Client) meet(ctx context.Context, cfg ClientConfig) error {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	outcomes := make(chan error, len(cfg.Bootstrap))
	for _, addr := range cfg.Bootstrap {
		go func() {
			outcomes <- contain.Run("meeting a bootstrap peer", func() error {
				in, err := bootstrap.AwaitIntroduction(ctx, c.host, c.client, addr, 0)
				if errors.Is(err, bootstrap.ErrNotBootstrap) {
					info, perr := peeraddr.Split(addr)
					if perr == nil {
						err = untilMet(ctx, func() error {
							_, err := c.introduceMember(ctx, info.ID)
							return err
						})
					}
				}
				for _, p := range in.GetPeers() {
					_, _ = c.meetPeer(p) // forged ones are left out
				}
				return err
			})
		}()
	}
	var last error
	for range cfg.Bootstrap {
		if err := <-outcomes; err != nil {
			last = err
		}
	}
	if len(c.known()) > 0 {
		return nil
	}
	if last == nil {
		last = fault.New(fault.Unreachable, "the bootstrap peer knows no member: start a node first")
	}
	return last
}

// introduceMember takes a member given in place of a bootstrap peer, and its neighbours.
func (c *Client) introduceMember(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	m, err := c.observe(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Concat([]*pb.Peer{m.GetSelf()}, m.GetPredecessors(), m.GetSuccessors()) {
		_, _ = c.meetPeer(p)
	}
	return m, nil
}

// Close ends the client.
func (c *Client) Close() error {
	err := errors.Join(c.client.Close(), c.host.Close())
	c.wg.Wait()
	return err
}

// observe asks a member for what is visible of its state.
func (c *Client) observe(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	return chord.Observe(ctx, clientTransport{c}, id)
}

// clientTransport sends requests of the ring protocol.
type clientTransport struct{ client *Client }

// Ring implements chord.Transport.
func (t clientTransport) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	t.client.book.Prepare(to)
	return t.client.client.Ring(ctx, to, req)
}

// maxKnown bounds the members that a client remembers.
const maxKnown = 1024

// meetPeer verifies the description of a member and remembers it.
func (c *Client) meetPeer(m *pb.Peer) (protocol.PeerInfo, error) {
	info, err := c.book.Learn(m)
	if err != nil || len(info.Addrs) == 0 || info.ID == c.host.ID() {
		return info, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := slices.BinarySearchFunc(c.members, info.Position, func(m protocol.PeerInfo, p ring.Position) int {
		return m.Position.Compare(p)
	})
	if found {
		c.members[i] = info
	} else if len(c.members) < maxKnown {
		c.members = slices.Insert(c.members, i, info)
	}
	return info, nil
}

// forget takes a member out that does not answer.
func (c *Client) forget(id peer.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.members) > 1 {
		c.members = slices.DeleteFunc(c.members, func(m protocol.PeerInfo) bool { return m.ID == id })
	}
}

func (c *Client) known() []protocol.PeerInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.members)
}

// guess names the first known member at or after key.
func (c *Client) guess(key ring.Key) (peer.ID, bool) {
	known := c.known()
	if len(known) == 0 {
		return "", false
	}
	i, _ := slices.BinarySearchFunc(known, ring.At(key), func(m protocol.PeerInfo, p ring.Position) int {
		return m.Position.Compare(p)
	})
	return known[i%len(known)].ID, true
}

// locate asks known members, those before the key first, for its owner.
func (c *Client) locate(ctx context.Context, key ring.Key) (protocol.Owner, error) {
	last := fault.New(fault.Unreachable, "no member of the ring could be reached: check that its nodes run; p2pchord netcheck tells what is wrong here")
	for _, m := range c.before(key) {
		found, err := c.find(ctx, m.ID, key)
		if err == nil {
			return protocol.ReadOwner(found, protocol.MaxCopies, c.meetPeer)
		}
		if last = err; chord.NoAnswer(err) {
			c.forget(m.ID)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return protocol.Owner{}, last
}

func (c *Client) find(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout/2)
	defer cancel()
	c.book.Prepare(via)
	resp, err := c.client.Ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{
		Key: uint32(key), Hops: chord.MaxHops, Path: true, TimeoutMs: uint32((c.timeout / 2).Milliseconds()), //nolint:gosec // bounded
	}}})
	return resp.GetFound(), err
}

// starts are known members, those before the key first.
func (c *Client) starts(key ring.Key) []peer.ID {
	var out []peer.ID
	for _, m := range c.before(key) {
		out = append(out, m.ID)
	}
	return out
}

// nearer asks one member for the owner of key, or for peers nearer to it.
func (c *Client) nearer(ctx context.Context, via peer.ID, key ring.Key) (*pb.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.book.Prepare(via)
	resp, err := c.client.Ring(ctx, via, &pb.RingRequest{Body: &pb.RingRequest_Find{Find: &pb.Find{Key: uint32(key), Local: true}}})
	return resp.GetFound(), err
}

// before returns a few known members, the nearest before key first.
func (c *Client) before(key ring.Key) []protocol.PeerInfo {
	known := c.known()
	at := ring.At(key)
	slices.SortFunc(known, func(a, b protocol.PeerInfo) int {
		x, y := a.Position.Compare(at) < 0, b.Position.Compare(at) < 0
		if x != y { // those before the key in the line come first, then those behind it, both from their end
			if x {
				return -1
			}
			return 1
		}
		return -cmp.Compare(a.Position.Compare(b.Position), 0)
	})
	return known[:min(len(known), 5)]
}

// walk goes around the ring, starting at any known member.
func (c *Client) walk(ctx context.Context) ([]protocol.PeerInfo, error) {
	last := fault.New(fault.Unreachable, "no member of the ring could be reached: check that its nodes run; p2pchord netcheck tells what is wrong here")
	for _, m := range c.before(0) {
		members, err := chord.WalkFrom(ctx, c.env, m.ID, c.observe, c.meetPeer)
		if err == nil {
			return members, nil
		}
		if last = err; chord.NoAnswer(err) {
			c.forget(m.ID)
		}
	}
	return nil, last
}
