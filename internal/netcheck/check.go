package netcheck

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/p2phost/dial"
)

// maxTried bounds the bootstrap peers to which test connections are made.
const maxTried = 3

// Subject is what Check examines: a node's host, and what the node knows that bears on its network.
type Subject struct {
	Host      host.Host
	Watch     *p2phost.Watch
	Observer  *Observer
	Announced bool // the user gave addresses to announce
	Bootstrap []BootstrapPeer
	// Neighbors are the members that matter to the node; Check fills in paths and times.
	Neighbors []NeighborCheck
	Clock     ClockCheck
	Isolated  bool // the node has lost every other member
	// ClockFault is the difference between clocks from which the node itself counts as unwell.
	ClockFault time.Duration
}

// BootstrapPeer is a bootstrap peer and whether it could be reached.
type BootstrapPeer struct {
	Addr ma.Multiaddr
	Info peer.AddrInfo
	Err  error // why it isn't connected; nil when it is
}

// Check examines a running node: what it knows, and what comes out when its bootstrap peers dial it
// and it connects to them once more. It may take 20 s.
func Check(ctx context.Context, s Subject) (Report, error) {
	return (&checker{Subject: s, online: true}).run(ctx)
}

// checker gathers a Report.
type checker struct {
	Subject

	online    bool
	portInUse string // offline: why the usual port could not be had
}

// goCheck runs one part of a check on a goroutine of its own.
func goCheck(wg *sync.WaitGroup, f func()) { contain.Go(wg, "checking the network", f, nil) }

// run does everything that takes time concurrently, and then says what is wrong.
func (c *checker) run(ctx context.Context) (Report, error) {
	own := machineIPs()
	listen := c.Host.Network().ListenAddresses()
	out := Report{
		Online: c.online, PeerID: c.Host.ID().String(), Machine: []string{}, Neighbours: append([]NeighborCheck{}, c.Neighbors...),
		Bootstrap: make([]BootstrapCheck, len(c.Bootstrap)), HolePunching: c.punches(), Clock: c.Clock,
	}
	for _, ip := range own {
		out.Machine = append(out.Machine, ip.String())
	}
	out.Addrs = c.addrs()

	var wg sync.WaitGroup
	c.testAddrs(ctx, &wg, out.Addrs)
	for i, b := range c.Bootstrap {
		goCheck(&wg, func() { out.Bootstrap[i] = c.checkBootstrap(ctx, b, i < maxTried) })
	}
	for i := range out.Neighbours {
		goCheck(&wg, func() { c.checkNeighbor(ctx, &out.Neighbours[i]) })
	}
	goCheck(&wg, func() { out.Relays = c.relays(ctx) })
	wg.Wait()

	out.NAT = natCheck(c.Observer, listen, own)
	out.PortMapping = c.portMapping(listen)
	out.Reachability = judged(out.Addrs, c.Observer.Reachability())
	out.Problems = problems(facts{
		Report: out, isolated: c.Isolated, announced: c.Announced, noIPv4: !dial.HasIPv4(), portInUse: c.portInUse,
		loopback: listensOnLoopback(listen), clockFault: c.ClockFault,
	})
	return out, ctx.Err()
}

// judged returns the reachability that follows from the verdicts on addresses, or otherwise when
// none follows.
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

func (c *checker) checkNeighbor(ctx context.Context, n *NeighborCheck) {
	id, err := peer.Decode(n.PeerID)
	if err != nil {
		return
	}
	if p, ok := connpath.To(c.Host, id); ok {
		n.Path, n.Transport = p.Kind, p.Transport
		if p.Relay != "" {
			n.Via = p.Relay.String()
		}
	}
	n.MS = c.timeTo(ctx, id)
}

// timeTo measures the time there and back over the connection that new streams use. It returns nil
// when there is no connection or no answer.
func (c *checker) timeTo(ctx context.Context, p peer.ID) *float64 {
	var best *float64
	for _, conn := range c.Host.Network().ConnsToPeer(p) {
		took, err := connpath.RoundTrip(ctx, conn)
		if err != nil {
			continue
		}
		if ms := milliseconds(took); best == nil || connpath.Of(conn).Kind == connpath.Direct {
			best = &ms
		}
	}
	return best
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (c *checker) punches() []PunchCheck {
	out := []PunchCheck{}
	for _, p := range c.Watch.Punches() {
		outcome := "failed"
		switch {
		case p.Under:
			outcome = "under way"
		case p.Direct:
			outcome = connpath.Direct
		}
		out = append(out, PunchCheck{
			PeerID: p.Peer.String(), At: p.At.UTC(), Outcome: outcome, Punched: !p.Dialed,
			Attempts: p.Attempts, MS: milliseconds(p.Took), Error: strings.Join(strings.Fields(p.Err), " "),
		})
	}
	return out
}

func (c *checker) portMapping(listen []ma.Multiaddr) PortMapping {
	out := PortMapping{Tried: !listensOnLoopback(listen), Mapped: []MappedPort{}}
	m := c.Watch.Mapping(listen)
	out.Router = m.Router
	for i, a := range m.Outside {
		if a != nil {
			out.Mapped = append(out.Mapped, MappedPort{Listen: listen[i].String(), Outside: a.String()})
		}
	}
	return out
}
