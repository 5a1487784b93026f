package connections

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

// The roles of a connected peer, in the order in which they count.
const (
	RoleSuccessor   = "successor"
	RolePredecessor = "predecessor"
	RoleFinger      = "finger"
	RoleBootstrap   = "bootstrap"
	RoleOther       = "other"
)

var roleOrder = []string{RoleSuccessor, RolePredecessor, RoleFinger, RoleBootstrap, RoleOther}

// Connection is one open connection of a node. Its JSON is the command line's contract:
// fields may be added, never renamed.
type Connection struct {
	PeerID      string  `json:"peer_id"`
	Key         *uint16 `json:"key"`          // null when it isn't known to be in the ring
	RingAddress string  `json:"ring_address"` // HOST:PORT, or empty
	Role        string  `json:"role"`         // the first of Roles
	// of "successor", "predecessor", "finger", "bootstrap"; "other" when it is none
	Roles []string `json:"roles"`
	Path  string   `json:"path"` // "direct" or "relayed"
	Via   string   `json:"via"`  // the relay's peer ID, or empty
	// "tcp", "quic" or "ws": of a relayed one, to the relay
	Transport string `json:"transport"`
	// "tls" or "noise"; empty, as the next, where libp2p doesn't tell: of relayed ones opened here
	Security  string `json:"security"`
	Muxer     string `json:"muxer"`     // "yamux" or "quic"
	Direction string `json:"direction"` // "inbound" when the peer opened it, "outbound"
	Addr      string `json:"addr"`      // the peer's
	// there and back, measured for this answer; null when none came
	LatencyMS  *float64 `json:"latency_ms"`
	BytesIn    int64    `json:"bytes_in"`
	BytesOut   int64    `json:"bytes_out"`
	AgeSeconds float64  `json:"age_seconds"`
	Streams    int      `json:"streams"` // open ones
	Agent      string   `json:"agent"`   // the program at the other end, by its own words
}

// pingsAtOnce bounds the pings of one call of List.
const pingsAtOnce = 32

// Source is where the connections are, and who is at their ends.
type Source struct {
	Host  host.Host
	Watch *p2phost.Watch // counts the bytes
	// Self is this node's key, from which the others are sorted.
	Self ring.Key
	// Info is what is known of a peer.
	Info func(id ring.ID) (protocol.PeerInfo, bool)
	// Roles says what each peer is to this node, the most important first. It is asked after the
	// pings.
	Roles func() map[peer.ID][]string
}

// List describes the open connections: ring neighbors first, then by key. Each is pinged, all at
// the same time, for two seconds at most.
func List(ctx context.Context, s Source) ([]Connection, error) {
	conns := s.Host.Network().Conns()
	latency := pingAll(ctx, conns)
	roles := s.Roles()
	out := make([]Connection, 0, len(conns))
	for i, c := range conns {
		if c.IsClosed() {
			continue
		}
		o := s.describe(c, roles[c.RemotePeer()])
		if latency[i] > 0 {
			ms := duration.Milliseconds(latency[i])
			o.LatencyMS = &ms
		}
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b Connection) int {
		return cmp.Or(
			cmp.Compare(slices.Index(roleOrder, a.Role), slices.Index(roleOrder, b.Role)),
			s.distanceTo(a.Key)-s.distanceTo(b.Key),
			cmp.Compare(a.PeerID, b.PeerID),
			cmp.Compare(a.Path, b.Path),
		)
	})
	return out, ctx.Err()
}

// distanceTo is how far clockwise a key is; one that isn't known is farthest.
func (s Source) distanceTo(key *uint16) int {
	if key == nil {
		return 1 << 16
	}
	return int(*key - uint16(s.Self))
}

// pingAll pings over every connection. Where no answer comes the time is 0.
func pingAll(ctx context.Context, conns []network.Conn) []time.Duration {
	out := make([]time.Duration, len(conns))
	places := make(chan struct{}, pingsAtOnce)
	var wg sync.WaitGroup
	for i, c := range conns {
		places <- struct{}{}
		contain.Go(&wg, "pinging a peer", func() {
			defer func() { <-places }()
			if took, err := connpath.RoundTrip(ctx, c); err == nil {
				out[i] = max(took, time.Nanosecond)
			}
		}, nil)
	}
	wg.Wait()
	return out
}

// describe describes c, but for its latency.
func (s Source) describe(c network.Conn, roles []string) Connection {
	if len(roles) == 0 {
		roles = []string{RoleOther}
	}
	id, stat, state, w := c.RemotePeer(), c.Stat(), c.ConnState(), connpath.Of(c)
	t := s.Watch.Traffic(c)
	out := Connection{
		PeerID: id.String(), Role: roles[0], Roles: roles,
		Path: w.Kind, Transport: w.Transport, Security: lastName(string(state.Security)), Muxer: lastName(string(state.StreamMultiplexer)),
		Direction: "outbound", Addr: c.RemoteMultiaddr().String(),
		BytesIn: t.In, BytesOut: t.Out, AgeSeconds: time.Since(stat.Opened).Seconds(), Streams: len(c.GetStreams()),
	}
	if w.Relay != "" {
		out.Via = w.Relay.String()
	}
	if stat.Direction == network.DirInbound {
		out.Direction = "inbound"
	}
	if state.Transport == "quic-v1" { // both are QUIC's own
		out.Security, out.Muxer = "tls", "quic"
	}
	if info, ok := s.Info(ring.ID(id)); ok {
		key := uint16(info.Position.Key)
		out.Key, out.RingAddress = &key, info.RingAddress.String()
	}
	out.Agent = agentOf(s.Host.Peerstore().Get(id, "AgentVersion"))
	return out
}

// agentOf reads what a peer calls its program, which may be anything.
func agentOf(v any, err error) string {
	s, ok := v.(string)
	if err != nil || !ok {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), maxAgent)], "")
}

// maxAgent bounds what is shown of a peer's words about itself, in bytes.
const maxAgent = 64

// lastName is the name of a protocol like /yamux/1.0.0.
func lastName(id string) string {
	if id == "" {
		return ""
	}
	name := path.Base(path.Dir(id))
	if name == "/" || name == "." {
		return path.Base(id)
	}
	return name
}
