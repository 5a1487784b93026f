package dial

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// nameTimeout is how long a dial waits for a name that a peer gave. libp2p resolves all names
	// of a peer, one after the other, before it dials any of its addresses.
	nameTimeout = time.Second
	// resolutionTimeout bounds a resolution that nobody waits for any more.
	resolutionTimeout = 20 * time.Second
	// outcomeFor is how long an outcome is used for such names.
	outcomeFor = 30 * time.Second
	// maxNames bounds the outcomes that are kept.
	maxNames = 1024
)

// Resolver resolves the names in addresses. A name that a peer gave, and that doesn't resolve soon,
// is passed over: the peer's other addresses, those through its relays among them, are dialed
// without it, and the next dial uses what is found out later. Names of the bootstrap peers, which
// the user gave, are waited for as long as the dial itself. A Resolver is safe for concurrent use.
type Resolver struct {
	inner   network.MultiaddrDNSResolver
	timeout time.Duration
	// whether this machine has a route to IPv4 addresses
	ipv4     func() bool
	resolved func(name string, addrs []ma.Multiaddr) // is told what a given name leads to

	ctx    context.Context //nolint:containedctx // it ends what outlives the dials
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	given map[string]bool // names that the user gave, and those that they led to
	known map[string]*resolution
}

// resolution is the outcome for one name, once done is closed.
type resolution struct {
	done  chan struct{}
	addrs []ma.Multiaddr
	err   error
	until time.Time // when it is to be asked again
}

var _ network.MultiaddrDNSResolver = (*Resolver)(nil)

// NewResolver returns a Resolver that asks inner, nil for the system's name servers. given are the
// bootstrap peers, as the user gave them. resolved is called with what a given name leads to. Close
// ends the Resolver.
func NewResolver(inner network.MultiaddrDNSResolver, given []peer.AddrInfo, resolved func(name string, addrs []ma.Multiaddr)) *Resolver {
	if inner == nil {
		inner = swarm.ResolverFromMaDNS{Resolver: madns.DefaultResolver}
	}
	n := &Resolver{
		inner: inner, given: make(map[string]bool), timeout: nameTimeout, known: make(map[string]*resolution),
		ipv4: HasIPv4, resolved: resolved,
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	for _, b := range given {
		for _, a := range b.Addrs {
			if peeraddr.IsName(a) {
				n.given[a[0].Value()] = true
			}
		}
	}
	return n
}

// ResolveDNSComponent returns the addresses for maddr, which begins with a name.
func (n *Resolver) ResolveDNSComponent(ctx context.Context, maddr ma.Multiaddr, most int) ([]ma.Multiaddr, error) {
	if len(maddr) == 0 {
		return nil, nil
	}
	name, rest := n.anyFamily(maddr[:1]), maddr[1:] // the name is the same for all transports
	found, err := n.resolve(ctx, name, func(ctx context.Context) ([]ma.Multiaddr, error) {
		return n.inner.ResolveDNSComponent(ctx, name, most)
	})
	out := make([]ma.Multiaddr, 0, len(found))
	for _, a := range found[:min(len(found), most)] {
		out = append(out, a.Encapsulate(rest))
	}
	return out, err
}

// ResolveDNSAddr returns the addresses that the domain of maddr, a /dnsaddr, lists. They are p's: a
// domain that a peer gives lists that peer.
func (n *Resolver) ResolveDNSAddr(ctx context.Context, p peer.ID, maddr ma.Multiaddr, depth, most int) ([]ma.Multiaddr, error) {
	if len(maddr) == 0 {
		return nil, nil
	}
	return n.resolve(ctx, maddr, func(ctx context.Context) ([]ma.Multiaddr, error) {
		return n.inner.ResolveDNSAddr(ctx, p, maddr, depth, most)
	})
}

func (n *Resolver) resolve(ctx context.Context, maddr ma.Multiaddr, ask func(context.Context) ([]ma.Multiaddr, error)) ([]ma.Multiaddr, error) {
	if name := maddr[0].Value(); n.isGiven(name) {
		found, err := ask(ctx)
		n.leadsTo(name, found)
		return found, err
	}
	r := n.begin(maddr, ask)
	late := time.NewTimer(n.timeout)
	defer late.Stop()
	select {
	case <-r.done:
		return r.addrs, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, fault.New(fault.Unreachable, "%s takes long to resolve: it is skipped", maddr)
	}
}

func (n *Resolver) isGiven(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.given[name]
}

// leadsTo takes in what a given name leads to: addresses, or, for a /dnsaddr, further names, which
// count as given too.
func (n *Resolver) leadsTo(name string, found []ma.Multiaddr) {
	if len(found) == 0 {
		return
	}
	n.mu.Lock()
	for _, a := range found {
		if peeraddr.IsName(a) && len(n.given) < maxNames {
			n.given[a[0].Value()] = true
		}
	}
	n.mu.Unlock()
	n.resolved(name, found)
}

// anyFamily returns the name in a /dns4 for both families where there is no route to IPv4
// addresses. A network with IPv6 only that leads to IPv4 hosts gives their names IPv6 addresses
// (DNS64 and NAT64).
func (n *Resolver) anyFamily(name ma.Multiaddr) ma.Multiaddr {
	if name[0].Code() != ma.P_DNS4 || n.ipv4() {
		return name
	}
	c, err := ma.NewComponent("dns", name[0].Value())
	if err != nil {
		return name
	}
	return c.Multiaddr()
}

// HasIPv4 reports whether this machine has a route to IPv4 addresses of the internet. It sends no
// packet.
func HasIPv4() bool {
	c, err := net.Dial("udp4", "192.0.2.1:9") //nolint:noctx // it only asks the system for a route
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was sent
	return true
}

// begin returns the resolution of maddr that is known, or under way, or a new one.
func (n *Resolver) begin(maddr ma.Multiaddr, ask func(context.Context) ([]ma.Multiaddr, error)) *resolution {
	key := string(maddr.Bytes())
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.known[key]; r != nil && (r.until.IsZero() || time.Now().Before(r.until)) {
		return r
	}
	if len(n.known) >= maxNames {
		for k := range n.known { // any: it is asked again
			delete(n.known, k)
			break
		}
	}
	r := &resolution{done: make(chan struct{})}
	n.known[key] = r
	n.wg.Go(func() {
		ctx, cancel := context.WithTimeout(n.ctx, resolutionTimeout)
		defer cancel()
		addrs, err := ask(ctx)
		n.mu.Lock()
		defer n.mu.Unlock()
		r.addrs, r.err, r.until = addrs, err, time.Now().Add(outcomeFor)
		close(r.done)
	})
	return r
}

// Close ends what is under way, and waits for it.
func (n *Resolver) Close() error {
	n.cancel()
	n.wg.Wait()
	return nil
}
