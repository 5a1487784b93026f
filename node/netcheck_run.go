package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/ring"
)

const (
	// maxCandidates bounds the addresses that a tester is asked to dial: it takes six requests a minute.
	maxCandidates = 6
	// maxTried bounds the bootstrap peers to which test connections are made.
	maxTried = 3
)

// checker gathers a Netcheck.
type checker struct {
	host      host.Host
	watch     *p2phost.Watch
	sight     *sight
	online    bool
	announced []ma.Multiaddr
	bootstrap []bootstrapSeen
	// what only a running node has
	neighbours []NeighbourCheck
	clock      ClockCheck
	cutOff     bool // the node has lost every other member
	// what only a check without a node has
	taken string // why the node's own port could not be had
}

// bootstrapSeen is a bootstrap peer and whether it could be reached.
type bootstrapSeen struct {
	addr ma.Multiaddr
	info peer.AddrInfo
	err  error // why it isn't connected; nil when it is
}

// Netcheck looks at how this node reaches others and they it: what it knows, and what it finds out
// by asking its bootstrap peers to dial it and by connecting to them again. It may take 20 s.
func (n *Node) Netcheck(ctx context.Context) (Netcheck, error) {
	s := n.state.Load()
	c := &checker{
		host: n.host, watch: n.watch, sight: n.sight, online: true, announced: n.cfg.Announce,
		cutOff: s.Grants.Degraded,
	}
	for _, contact := range n.contacts {
		info, err := peeraddr.Split(contact.Addr())
		if err != nil {
			return Netcheck{}, err
		}
		b := bootstrapSeen{addr: contact.Addr(), info: info}
		if _, connected := connpath.To(n.host, info.ID); !connected {
			if b.err = contact.Err(); b.err == nil {
				b.err = fault.New(fault.Unreachable, "no answer yet from the bootstrap peer at %s", contact.Addr())
			}
		}
		c.bootstrap = append(c.bootstrap, b)
	}
	for id, roles := range n.roles() {
		if roles[0] == RoleBootstrap {
			continue
		}
		info, _ := n.book.info(ring.ID(id)) // neighbours are known
		c.neighbours = append(c.neighbours, NeighbourCheck{
			PeerID: id.String(), Key: uint16(info.Position.Key), RingAddress: info.RingAddress.String(), Role: roles[0],
		})
	}
	c.clock = n.checkClocks(c.neighbours)
	slices.SortFunc(c.neighbours, func(a, b NeighbourCheck) int { return n.distanceTo(&a.Key) - n.distanceTo(&b.Key) })
	return c.run(ctx)
}

// run does all that takes time at the same time, and then says what is wrong.
func (c *checker) run(ctx context.Context) (Netcheck, error) {
	own := machineIPs()
	listen := c.host.Network().ListenAddresses()
	out := Netcheck{
		Online: c.online, PeerID: c.host.ID().String(), Machine: []string{}, Neighbours: append([]NeighbourCheck{}, c.neighbours...),
		Bootstrap: make([]BootstrapCheck, len(c.bootstrap)), HolePunching: c.punches(), Clock: c.clock,
	}
	for _, ip := range own {
		out.Machine = append(out.Machine, ip.String())
	}
	out.Addrs = c.addrs()

	var wg sync.WaitGroup
	c.testAddrs(ctx, &wg, out.Addrs)
	for i, b := range c.bootstrap {
		contain.Go(&wg, "checking the network", func() { out.Bootstrap[i] = c.checkBootstrap(ctx, b, i < maxTried) }, nil)
	}
	for i := range out.Neighbours {
		contain.Go(&wg, "checking the network", func() { c.checkNeighbour(ctx, &out.Neighbours[i]) }, nil)
	}
	contain.Go(&wg, "checking the network", func() { out.Relays = c.relays(ctx) }, nil)
	wg.Wait()

	out.NAT = natCheck(c.sight, listen, own)
	out.PortMapping = c.portMapping(listen)
	out.Reachability = judged(out.Addrs, c.sight.reachability())
	out.Problems = problems(facts{
		Netcheck: out, cutOff: c.cutOff, announced: len(c.announced) > 0, noIPv4: !p2phost.HasIPv4(), taken: c.taken,
		loopback: listensOnLoopback(listen),
	})
	return out, ctx.Err()
}

// judged is how others reach the host by the verdicts on its addresses, and where they say nothing, otherwise.
func judged(addrs []AddrCheck, otherwise string) string {
	tested, untested := false, false
	for _, a := range addrs {
		switch {
		case a.Scope != ScopePublic:
		case a.Verdict == VerdictReachable:
			return ReachablePublic
		case a.Verdict == VerdictUnreachable:
			tested = true
		default:
			untested = untested || !a.Seen
		}
	}
	if tested && !untested {
		return ReachablePrivate
	}
	return otherwise
}

// addrs lists the host's addresses, and those under which others see it, with what is known of them.
func (c *checker) addrs() []AddrCheck {
	verdict := make(map[string]string)
	r := c.sight.verdicts()
	for v, list := range map[string][]ma.Multiaddr{VerdictReachable: r.Reachable, VerdictUnreachable: r.Unreachable} {
		for _, a := range list {
			verdict[a.String()] = v
		}
	}
	var out []AddrCheck
	add := func(a ma.Multiaddr, seen bool) {
		text := a.String()
		if slices.ContainsFunc(out, func(o AddrCheck) bool { return o.Addr == text }) {
			return
		}
		check := AddrCheck{Addr: text, Transport: connpath.Transport(a), Scope: scopeOf(a), Verdict: VerdictLocal, From: []string{}, Seen: seen}
		switch check.Scope {
		case ScopePublic:
			check.Verdict = VerdictUnknown
			if v := verdict[text]; v != "" {
				check.Verdict = v
			}
		case ScopeRelay:
			check.Verdict = VerdictUnknown
		default:
			check.From = c.connectedTo(a)
		}
		out = append(out, check)
	}
	for _, a := range slices.Concat(c.host.Addrs(), r.Reachable, r.Unreachable, r.Unknown) {
		add(a, false)
	}
	for _, o := range c.sight.observations() {
		if manet.IsPublicAddr(o.as) && o.transport != connpath.WS {
			add(o.as, true)
		}
	}
	slices.SortStableFunc(out, func(a, b AddrCheck) int {
		order := []string{ScopePublic, ScopeRelay, ScopePrivate, ScopeLoopback}
		return slices.Index(order, a.Scope) - slices.Index(order, b.Scope)
	})
	return out
}

func scopeOf(a ma.Multiaddr) string {
	if _, relayed := connpath.Relay(a); relayed {
		return ScopeRelay
	}
	switch {
	case manet.IsIPLoopback(a):
		return ScopeLoopback
	case manet.IsPublicAddr(a):
		return ScopePublic
	}
	return ScopePrivate
}

// connectedTo lists who has connected to a local address by itself.
func (c *checker) connectedTo(a ma.Multiaddr) []string {
	out := []string{}
	for _, conn := range c.host.Network().Conns() {
		if id := conn.RemotePeer().String(); conn.Stat().Direction == network.DirInbound && conn.LocalMultiaddr().Equal(a) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// testAddrs has testers dial the addresses that could be public; the verdicts come with wg.
func (c *checker) testAddrs(ctx context.Context, wg *sync.WaitGroup, addrs []AddrCheck) {
	var first []peer.ID
	for _, b := range c.bootstrap {
		first = append(first, b.info.ID)
	}
	who := testers(c.host, first)
	var mu sync.Mutex // of addrs
	tell := func(addr string, tester peer.ID, verdict string) {
		mu.Lock()
		defer mu.Unlock()
		for i := range addrs {
			if addrs[i].Addr == addr {
				addrs[i].Verdict, addrs[i].From = verdict, []string{tester.String()}
			}
		}
	}
	tested := 0
	for _, check := range addrs {
		a, err := ma.NewMultiaddr(check.Addr)
		if err != nil || check.Scope != ScopePublic || tested == maxCandidates {
			continue
		}
		tested++
		contain.Go(wg, "checking the network", func() {
			for _, t := range who {
				reached, err := dialBack(ctx, c.host, t, a)
				if errors.Is(err, errNotTested) {
					continue
				}
				if err == nil {
					tell(reached.String(), t, VerdictReachable)
				} else {
					tell(a.String(), t, VerdictUnreachable)
				}
				return
			}
		}, nil)
	}
}

func (c *checker) checkBootstrap(ctx context.Context, b bootstrapSeen, try bool) BootstrapCheck {
	out := BootstrapCheck{Addr: b.addr.String(), PeerID: b.info.ID.String(), Connected: b.err == nil, TCP: DialNotOffered, QUIC: DialNotOffered}
	if b.err != nil {
		out.Error = b.err.Error()
	}
	var wg sync.WaitGroup
	if try {
		contain.Go(&wg, "checking the network", func() { out.TCP = c.tryOne(ctx, b, connpath.TCP) }, nil)
		contain.Go(&wg, "checking the network", func() { out.QUIC = c.tryOne(ctx, b, connpath.QUIC) }, nil)
	}
	if out.Connected {
		out.MS = c.timeTo(ctx, b.info.ID)
		out.Relay, out.Tester = offersRelay(c.host, b.info.ID), len(testers(c.host, nil)) > 0 && slices.Contains(testers(c.host, nil), b.info.ID)
	}
	wg.Wait()
	return out
}

// tryOne makes a test connection to a bootstrap peer by one transport, at the address given for it or
// another that it tells of the same machine.
func (c *checker) tryOne(ctx context.Context, b bootstrapSeen, transport string) string {
	for _, a := range slices.Concat(b.info.Addrs, c.host.Peerstore().Addrs(b.info.ID)) {
		if connpath.Transport(a) == transport && sameHost(a, b.info.Addrs[0]) && scopeOf(a) != ScopeRelay {
			return tryTransport(ctx, b.info.ID, a, transport)
		}
	}
	return DialNotOffered
}

func sameHost(a, b ma.Multiaddr) bool {
	return len(a) > 0 && len(b) > 0 && a[0].Equal(&b[0])
}

// timeTo measures the time to a peer over the connection that is used; nil when there is none, or no answer.
func (c *checker) timeTo(ctx context.Context, p peer.ID) *float64 {
	var best *float64
	for _, conn := range c.host.Network().ConnsToPeer(p) {
		took, err := connpath.RoundTrip(ctx, conn)
		if err != nil {
			continue
		}
		if ms := milliseconds(took); best == nil || connpath.Of(conn).Kind == PathDirect {
			best = &ms
		}
	}
	return best
}

func (c *checker) checkNeighbour(ctx context.Context, n *NeighbourCheck) {
	id, err := peer.Decode(n.PeerID)
	if err != nil {
		return
	}
	if w, ok := connpath.To(c.host, id); ok {
		n.Path, n.Transport = w.Kind, w.Transport
		if w.Relay != "" {
			n.Via = w.Relay.String()
		}
	}
	n.MS = c.timeTo(ctx, id)
}

// relays lists the relays that hold a slot; where there are none, and only then, each bootstrap peer is asked for one.
func (c *checker) relays(ctx context.Context) []RelayCheck {
	out := []RelayCheck{}
	held := make(map[peer.ID]bool)
	for _, a := range c.host.Addrs() {
		if id, ok := connpath.Relay(a); ok && id != "" {
			held[id] = true
		}
	}
	for id := range held {
		out = append(out, reserve(ctx, c.host, id, true))
	}
	if len(held) > 0 || !c.online || listensOnLoopback(c.host.Network().ListenAddresses()) || c.sight.reachability() == ReachablePublic {
		return out
	}
	for _, b := range c.bootstrap {
		if b.err == nil && offersRelay(c.host, b.info.ID) {
			out = append(out, reserve(ctx, c.host, b.info.ID, false))
		}
	}
	return out
}

func (c *checker) punches() []PunchCheck {
	out := []PunchCheck{}
	for _, p := range c.watch.Punches() {
		outcome := "failed"
		switch {
		case p.Under:
			outcome = "under way"
		case p.Direct:
			outcome = PathDirect
		}
		out = append(out, PunchCheck{
			PeerID: p.Peer.String(), At: p.At.UTC(), Outcome: outcome, Punched: !p.Dialled,
			Attempts: p.Attempts, MS: milliseconds(p.Took), Error: strings.Join(strings.Fields(p.Err), " "),
		})
	}
	return out
}

func (c *checker) portMapping(listen []ma.Multiaddr) PortMapping {
	out := PortMapping{Tried: !listensOnLoopback(listen), Mapped: []MappedPort{}}
	m := c.watch.Mapping(listen)
	out.Router = m.Router
	for i, a := range m.Outside {
		if a != nil {
			out.Mapped = append(out.Mapped, MappedPort{Listen: listen[i].String(), Outside: a.String()})
		}
	}
	return out
}

// listensOnLoopback reports whether nobody but this machine can connect.
func listensOnLoopback(listen []ma.Multiaddr) bool {
	for _, a := range listen {
		if _, relayed := connpath.Relay(a); !relayed && !manet.IsIPLoopback(a) {
			return false
		}
	}
	return true
}

// parseAddr reads a multiaddr that isn't empty.
func parseAddr(s string) (ma.Multiaddr, error) {
	a, err := ma.NewMultiaddr(s)
	if err == nil && len(a) == 0 {
		err = fault.New(fault.Usage, "an empty address")
	}
	return a, err
}

// scopeOfText is scopeOf of a multiaddr's text.
func scopeOfText(s string) string {
	a, err := parseAddr(s)
	if err != nil {
		return ""
	}
	return scopeOf(a)
}
