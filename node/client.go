package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/admission"
	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/chord/book"
	"github.com/p2pchord/p2pchord/internal/chord/client"
	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/internal/transfer"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Client uses a ring without becoming a member: it holds no files and nobody routes
// through it. Its methods may be called from many goroutines.
type Client struct {
	operations

	host      host.Host
	admission *admission.Admission // nil in an open ring
	client    *protocol.Client
	book      *book.Book
	router    *client.Router
	env       *env.System // of the router
}

// Dial connects to a ring through bootstrap peers, or through members given in their place.
func Dial(ctx context.Context, cfg ClientConfig) (_ *Client, err error) {
	key, private, err := openAsClient(cfg.Data)
	if err != nil {
		return nil, err
	}
	if private != nil && len(cfg.Bootstrap) == 0 {
		if cfg.Bootstrap, err = keptAddresses(private); err != nil {
			return nil, err
		}
	}
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
	var in protocol.Ring
	var admits *admission.Admission // nil in an open ring
	if private != nil {
		in, admits, cfg.vault = ringOf(private), newAdmission(private, relays), private.Vault
		cfg.clear = private.FromOpenRing
	}
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client, Key: key, Relays: relays, Access: admits.Access()})
	if err != nil {
		return nil, err
	}
	if admits != nil {
		admits.Start(h)
	}
	c := &Client{host: h, admission: admits, client: protocol.NewClient(h, protocol.ClientOptions{
		DialTimeout: cfg.Timeout, Timeout: cfg.Timeout, Progress: cfg.Timeout, Limits: limits(cfg.LimitUp, cfg.LimitDown),
	})}
	c.env = env.NewSystem(context.Background()) //nolint:contextcheck // it lasts until Close
	c.book = book.New(h, in, nil)
	c.router = client.New(h.ID(), clientTransport{c}, c.book, cfg.Timeout, c.env)
	remote := request.Remote(c.client)
	c.begin(transfer.Config{
		Key: h.Peerstore().PrivKey(h.ID()), ID: h.ID(), Memory: membudget.New(cfg.MemoryBytes), Timeout: cfg.Timeout,
		Router: c.router, Learn: c.router.Learn, Known: c.router.Info,
		Path: func(p peer.ID) (connpath.Path, bool) { return connpath.To(h, p) }, Vault: cfg.vault, Clear: cfg.clear, Writers: writersOf(private),
	}, func(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
		c.book.Prepare(to)
		r, err := remote(ctx, to, req, body)
		if chord.NoAnswer(err) {
			c.router.Forget(to)
		}
		return r, err
	})
	if err := c.meet(ctx, cfg); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if private != nil {
		c.fetchKeys(ctx, private)
	}
	return c, nil
}

// fetchKeys asks members for the data keys that the client lacks and may have. An operation that
// needs them says so if nobody gave them.
func (c *Client) fetchKeys(ctx context.Context, n *membership.Network) {
	for _, p := range c.router.Known() {
		if !n.LacksKeys(time.Now()) {
			return
		}
		c.book.Prepare(p.ID)
		if err := joining.FetchKeys(ctx, c.host, p.ID, n); err != nil {
			log.Debugw("no data keys", "from", p.ID, "err", err)
		}
	}
}

// clientTransport sends requests of the ring protocol.
type clientTransport struct{ client *Client }

// Ring implements chord.Transport.
func (t clientTransport) Ring(ctx context.Context, to peer.ID, req *pb.RingRequest) (*pb.RingResponse, error) {
	t.client.book.Prepare(to)
	return t.client.client.Ring(ctx, to, req)
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
					_, _ = c.router.Learn(p) // forged ones are left out
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
	if len(c.router.Known()) > 0 {
		return nil
	}
	if last == nil {
		last = fault.New(fault.Unreachable, "the bootstrap peer knows no member: start a node first")
	}
	return last
}

// introduceMember takes a member given in place of a bootstrap peer, and its neighbors.
func (c *Client) introduceMember(ctx context.Context, id peer.ID) (*pb.Neighbours, error) {
	m, err := c.router.Observe(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Concat([]*pb.Peer{m.GetSelf()}, m.GetPredecessors(), m.GetSuccessors()) {
		_, _ = c.router.Learn(p)
	}
	return m, nil
}

// Close ends the client.
func (c *Client) Close() error {
	err := c.client.Close()
	if c.admission != nil {
		err = errors.Join(err, c.admission.Close())
	}
	err = errors.Join(err, c.host.Close())
	c.env.AwaitProcesses()
	return err
}
