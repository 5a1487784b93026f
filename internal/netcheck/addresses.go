package netcheck

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// maxCandidates bounds the addresses that a tester is asked to dial: it accepts six requests a
// minute.
const maxCandidates = 6

// addrs lists the host's addresses and those under which others see it, with what is known of each.
func (c *checker) addrs() []AddrCheck {
	verdict := make(map[string]string)
	r := confirmed(c.Host)
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
		check := AddrCheck{
			Addr: text, Transport: connpath.Transport(a), Scope: scopeOf(a), Verdict: VerdictLocal, From: []string{}, Seen: seen,
		}
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
	for _, a := range slices.Concat(c.Host.Addrs(), r.Reachable, r.Unreachable, r.Unknown) {
		add(a, false)
	}
	for _, o := range c.Observer.observations() {
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
	if peeraddr.IsRelay(a) {
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

// connectedTo lists the peers that have connected to a local address by themselves.
func (c *checker) connectedTo(a ma.Multiaddr) []string {
	out := []string{}
	for _, conn := range c.Host.Network().Conns() {
		inbound := conn.Stat().Direction == network.DirInbound && conn.LocalMultiaddr().Equal(a)
		if id := conn.RemotePeer().String(); inbound && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// testAddrs has testers dial the addresses that could be public. The verdicts are in addrs when wg
// is done.
func (c *checker) testAddrs(ctx context.Context, wg *sync.WaitGroup, addrs []AddrCheck) {
	var first []peer.ID
	for _, b := range c.Bootstrap {
		first = append(first, b.Info.ID)
	}
	askable := testers(c.Host, first)
	var mu sync.Mutex // guards addrs
	report := func(addr string, tester peer.ID, verdict string) {
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
		goCheck(wg, func() {
			for _, t := range askable {
				reached, err := dialBack(ctx, c.Host, t, a)
				if errors.Is(err, errNotTested) {
					continue
				}
				if err == nil {
					report(reached.String(), t, VerdictReachable)
				} else {
					report(a.String(), t, VerdictUnreachable)
				}
				return
			}
		})
	}
}

// listensOnLoopback reports whether only programs on this machine can connect.
func listensOnLoopback(listen []ma.Multiaddr) bool {
	for _, a := range listen {
		if !peeraddr.IsRelay(a) && !manet.IsIPLoopback(a) {
			return false
		}
	}
	return true
}

// parseAddr parses a multiaddr that isn't empty.
func parseAddr(s string) (ma.Multiaddr, error) {
	a, err := ma.NewMultiaddr(s)
	if err == nil && len(a) == 0 {
		err = fault.New(fault.Usage, "an empty address")
	}
	return a, err
}

// scopeOfText returns the scope of a multiaddr in text form; it is empty if that is none.
func scopeOfText(s string) string {
	a, err := parseAddr(s)
	if err != nil {
		return ""
	}
	return scopeOf(a)
}
