package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

// JoinConfig says how to join a private network.
type JoinConfig struct {
	// Data is the data folder that the machine joins with. No node may run on it.
	Data string
	// Code is a long code, or a short one, which needs Host.
	Code string
	// Host is where to join with a short code: a multiaddr, or HOST or HOST:PORT.
	Host string
	// Name is what members call the machine. Default: the invitation's, or else HostName.
	Name, HostName string
	// Timeout bounds each try. Default 10 s.
	Timeout time.Duration
}

// Joined is the network that a machine has joined.
type Joined struct {
	Network string `json:"network"`
	Name    string `json:"name"`
	Role    string `json:"role"`
	PeerID  string `json:"peer_id"`
}

// parsed is a code, and where to join with it. Addresses of a short code have no peer ID.
type parsed struct {
	secret  invitation.Secret
	network statement.NetworkID
	addrs   []ma.Multiaddr
}

func (c JoinConfig) parse() (p parsed, err error) {
	if !invitation.IsLong(c.Code) {
		if p.secret, err = invitation.ParseShort(c.Code); err != nil {
			return p, err
		}
		if c.Host == "" {
			return p, fault.New(fault.Usage, "a short code doesn't say where to join: give the host before it, like p2pchord join ring.example.org %s", c.Code)
		}
		p.addrs, err = hostAddrs(c.Host)
		return p, err
	}
	long, err := invitation.ParseLong(c.Code)
	if err != nil {
		return p, err
	}
	p.secret, p.network = long.Secret, long.Network
	for _, raw := range long.Addresses {
		if a, err := ma.NewMultiaddrBytes(raw); err == nil && isPeer(a) {
			p.addrs = append(p.addrs, a)
		}
	}
	if c.Host != "" {
		more, err := hostAddrs(c.Host)
		if err != nil {
			return p, err
		}
		p.addrs = append(more, p.addrs...)
	}
	if len(p.addrs) == 0 {
		return p, fault.New(fault.Usage, "the code has no address at which to join: give the host before it, like p2pchord join ring.example.org CODE")
	}
	return p, nil
}

func isPeer(a ma.Multiaddr) bool {
	_, err := peer.AddrInfoFromP2pAddr(a)
	return err == nil
}

// hostAddrs returns the multiaddrs that a host may be at.
func hostAddrs(text string) ([]ma.Multiaddr, error) {
	wrong := func(err error) error {
		return fault.New(fault.Usage, "%q is not a host to join at (%w): give a name or an IP address, with :PORT if it isn't %d, or a multiaddr", text, fault.OneLine(err), bootstrap.DefaultPort)
	}
	if strings.HasPrefix(text, "/") {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, wrong(err)
		}
		return []ma.Multiaddr{a}, nil
	}
	name, port, err := net.SplitHostPort(text)
	if err != nil {
		name, port = strings.Trim(text, "[]"), ""
	}
	kind := "dns"
	if ip, err := netip.ParseAddr(name); err == nil {
		kind = "ip6"
		if ip.Is4() {
			kind = "ip4"
		}
	}
	ports := []string{port}
	if port == "" {
		ports = []string{"4700", "4701"} // of a bootstrap peer, and of a node
	}
	var out []ma.Multiaddr
	for _, p := range ports {
		a, err := ma.NewMultiaddr("/" + kind + "/" + name + "/tcp/" + p)
		if err != nil {
			return nil, wrong(err)
		}
		out = append(out, a)
	}
	return out, nil
}

// Join makes the peer of a data folder a member of a private network, by a code that a member made.
// Errors are of the kinds fault.Usage for a code that has a typing error, fault.NotAllowed for one
// that doesn't let in, and fault.Unreachable if no peer of the network answers.
func Join(ctx context.Context, cfg JoinConfig) (_ Joined, err error) {
	code, err := cfg.parse()
	if err != nil {
		return Joined{}, err
	}
	folder, err := nodefolder.Open(cfg.Data)
	if err != nil {
		return Joined{}, cantStart(cfg.Data, err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	j, err := membership.Join(cfg.Data, folder.Key(), code.secret, code.network, membership.Label{Chosen: cfg.Name, Default: cfg.HostName})
	if err != nil {
		return Joined{}, err
	}
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client, Key: folder.Key()})
	if err != nil {
		return Joined{}, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	n, err := code.join(ctx, h, j, cmp.Or(cfg.Timeout, 10*time.Second))
	if err != nil {
		return Joined{}, err
	}
	out := Joined{Network: n.ID().String(), Name: n.Name(), PeerID: n.Self().String()}
	if m, ok := n.Member(n.Self()); ok {
		out.Role = m.Roles.String()
	}
	return out, nil
}

// join asks one peer after the other. A peer that refuses the code ends it: at another one, which
// hasn't heard that it was used, it would be used twice.
func (p parsed) join(ctx context.Context, h host.Host, j *membership.Joining, timeout time.Duration) (*membership.Network, error) {
	var first error
	for _, a := range p.addrs {
		n, err := p.joinAt(ctx, h, j, a, timeout)
		if err == nil {
			return n, nil
		}
		if fault.CodeOf(err) == fault.NotAllowed && (first == nil || fault.CodeOf(first) == fault.Unreachable) {
			first = err
		}
		if fault.CodeOf(err) != fault.Unreachable && !errors.Is(err, joining.ErrUnknown) || ctx.Err() != nil {
			return nil, err
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

func (p parsed) joinAt(ctx context.Context, h host.Host, j *membership.Joining, a ma.Multiaddr, timeout time.Duration) (*membership.Network, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !isPeer(a) {
		unknown, err := madeUpID()
		if err != nil {
			return nil, err
		}
		id, err := joining.Identify(ctx, h, peer.AddrInfo{ID: unknown, Addrs: []ma.Multiaddr{a}})
		if err != nil {
			return nil, fault.New(fault.CodeOf(err), "can't join at %s: %w", a, err)
		}
		a = a.Encapsulate(ma.StringCast("/p2p/" + id.String()))
	}
	info, err := peer.AddrInfoFromP2pAddr(a)
	if err != nil {
		return nil, fault.New(fault.Usage, "%s is no address of a peer: %w", a, err)
	}
	keep := texts(p.addrs)
	if p.network.IsZero() {
		keep = []string{a.String()}
	}
	return joining.Through(ctx, h, *info, j, keep)
}

// madeUpID returns a peer ID that nobody has.
func madeUpID() (peer.ID, error) {
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	return peer.IDFromPublicKey(public)
}
