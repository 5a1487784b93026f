package node_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Every connection is listed with what the peer is to the node, how it goes and what it has
// carried.
func TestPeers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	const size = 3 << 20
	c.put(c.nodes[0], "big", bytes.Repeat([]byte("x1y2"), size/4))
	var carried int64
	for _, n := range c.nodes {
		conns, err := n.Peers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(conns) < 3 || conns[0].Role != node.RoleSuccessor || conns[0].PeerID != st.Successor.PeerID {
			t.Fatalf("the first is not the successor %s: %+v", st.Successor.PeerID, conns)
		}
		var roles []string
		for _, p := range conns {
			roles = append(roles, p.Role)
			carried += p.BytesOut
			if p.Path != node.PathDirect || p.Transport != "tcp" || p.Security != "tls" || p.Muxer != "yamux" || p.Via != "" || !strings.HasPrefix(p.Agent, "p2pchord/") {
				t.Errorf("%+v", p)
			}
			if p.LatencyMS == nil || *p.LatencyMS <= 0 || p.AgeSeconds <= 0 || p.BytesIn <= 0 || p.BytesOut <= 0 {
				t.Errorf("not measured: %+v", p)
			}
			if (p.Key == nil) != (p.Role == node.RoleBootstrap) {
				t.Errorf("%s has the key %v", p.Role, p.Key)
			}
		}
		if !slices.Contains(roles, node.RolePredecessor) || !slices.Contains(roles, node.RoleBootstrap) {
			t.Errorf("roles %v", roles)
		}
		if net := st.Network; net.DirectPeers < 3 || net.RelayedPeers != 0 || st.Successor.Path != node.PathDirect {
			t.Errorf("the status has %+v, and the path %q to the successor", net, st.Successor.Path)
		}
	}
	// Two copies, at least, went from one node to another.
	if carried < 2*size || carried > 20*size {
		t.Errorf("all connections together carried %d bytes, for copies of %d", carried, size)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	put := c.put(c.nodes[0], "a", []byte("hello"))
	client, err := node.Dial(t.Context(), node.ClientConfig{Bootstrap: c.addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	for who, trace := range map[string]func(string) (node.Trace, error){
		"a member": func(name string) (node.Trace, error) { return c.nodes[1].Trace(t.Context(), name) },
		"a client": func(name string) (node.Trace, error) { return client.Trace(t.Context(), name) },
	} {
		// The third copy is there moments after the put.
		c.eventually(who+" sees all copies", func() string {
			tr, err := trace("a")
			if err != nil {
				return err.Error()
			}
			if tr.Owner == nil || tr.Owner.PeerID != put.Owner || tr.File == nil || tr.File.Version != put.Version || tr.Error != "" {
				t.Fatalf("%s: %+v", who, tr)
			}
			last := tr.Hops[len(tr.Hops)-1]
			if last.Answer != node.AnswerOwner || last.PeerID != put.Owner || tr.Lookup.Error != "" || len(tr.Lookup.Path) == 0 {
				t.Fatalf("%s: hops %+v, lookup %+v", who, tr.Hops, tr.Lookup)
			}
			if len(tr.Holders) != 3 || tr.Holders[0].Role != "owner" || tr.Holders[0].PeerID != put.Owner {
				t.Fatalf("%s: holders %+v", who, tr.Holders)
			}
			for _, h := range tr.Holders {
				if h.Has != node.HasComplete || h.Version != put.Version {
					return "a holder has " + h.Has
				}
				if h.MS <= 0 || h.Path != node.PathDirect && h.PeerID != c.nodes[1].PeerID() {
					t.Errorf("%s: %+v", who, h)
				}
			}
			return ""
		})
		none, err := trace("b")
		if err != nil || none.File != nil || none.Owner == nil || len(none.Holders) < 3 {
			t.Fatalf("%s: of a file that isn't there: %+v, %v", who, none, err)
		}
		for _, h := range none.Holders {
			if h.Has != node.HasNothing {
				t.Errorf("%s: of a file that isn't there: %+v", who, h)
			}
		}
		if _, err := trace("../up"); !errors.Is(err, fault.Usage) {
			t.Errorf("%s: a bad name: %v", who, err)
		}
	}
}

func codes(n node.Netcheck) (out []string) {
	for _, p := range n.Problems {
		out = append(out, p.Severity+" "+p.Code)
	}
	return out
}

// A node tells how it reaches others, and what is wrong when its bootstrap peer has gone.
func TestNetcheck(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	n, err := c.nodes[0].Netcheck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !n.Online || !n.Reached() || n.PeerID != c.nodes[0].PeerID() || len(n.Addrs) != 1 || n.Addrs[0].Verdict != node.VerdictLocal {
		t.Errorf("%+v", n)
	}
	b := n.Bootstrap[0]
	if !b.Connected || b.MS == nil || b.TCP != node.DialOK || b.QUIC != node.DialNotOffered || !b.Relay || b.Error != "" {
		t.Errorf("the bootstrap peer: %+v", b)
	}
	if len(n.Neighbours) != 2 || n.Neighbours[0].Role != node.RoleSuccessor || n.Neighbours[0].MS == nil || n.Neighbours[0].Path != node.PathDirect {
		t.Errorf("the neighbors: %+v", n.Neighbours)
	}
	if n.Clock.Compared != 2 || n.Clock.Ahead != 0 {
		t.Errorf("the clock: %+v", n.Clock)
	}
	if got := codes(n); !slices.Equal(got, []string{"note loopback_only"}) {
		t.Errorf("problems %v", got)
	}

	if err := c.boot.Close(); err != nil {
		t.Fatal(err)
	}
	c.eventually("the loss is told", func() string {
		n, err = c.nodes[0].Netcheck(t.Context())
		if err != nil {
			return err.Error()
		}
		if got := codes(n); !slices.Contains(got, "note bootstrap_unreachable") {
			return strings.Join(got, ", ")
		}
		// the first try may still be under way
		if !strings.Contains(n.Problems[0].Why, "connection refused") {
			return n.Problems[0].Why
		}
		return ""
	})
	if n.Bootstrap[0].Connected || n.Bootstrap[0].TCP != node.DialNoAnswer || n.Faults() != 0 || !n.Reached() {
		t.Errorf("%+v", n)
	}
}

// Without a node that runs the network is looked at as one would meet it.
func TestNetcheckOffline(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	data := t.TempDir()
	gone := c.start(node.Config{Data: data})
	c.settled()
	if err := gone.Close(); err != nil { // it remembers the others
		t.Fatal(err)
	}
	n, err := node.NetcheckOffline(t.Context(), node.Config{Data: data, Bootstrap: c.addrs, Listen: anyPort})
	if err != nil {
		t.Fatal(err)
	}
	if n.Online || !n.Reached() || n.Faults() != 0 || !n.Bootstrap[0].Connected || n.Bootstrap[0].TCP != node.DialOK {
		t.Errorf("%+v", n)
	}
	if len(n.Neighbours) != 2 || n.Neighbours[0].Role != node.RoleRemembered || n.Neighbours[0].MS == nil {
		t.Errorf("members remembered: %+v", n.Neighbours)
	}

	nobody := []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1/p2p/" + gone.PeerID())}
	n, err = node.NetcheckOffline(t.Context(), node.Config{Data: t.TempDir(), Bootstrap: nobody, Listen: anyPort, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(n); n.Reached() || !slices.Contains(got, "fault bootstrap_unreachable") {
		t.Errorf("with a bootstrap peer that isn't there: %v", got)
	}

	listen, _ := ma.SplitLast(c.nodes[0].Addrs()[0]) // without /p2p/ID
	n, err = node.NetcheckOffline(t.Context(), node.Config{Data: t.TempDir(), Listen: []ma.Multiaddr{listen}})
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(n); !slices.Contains(got, "fault port_in_use") || !slices.Contains(got, "note no_bootstrap") {
		t.Errorf("on a port in use: %v", got)
	}
}
