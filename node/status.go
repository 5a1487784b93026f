package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connections"
	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/nodehealth"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/transfer"
	"github.com/p2pchord/p2pchord/ring"
)

// Status tells the node's own state, from what it knows itself.
func (n *Node) Status(context.Context) (Status, error) {
	s := n.state.Load()
	out := n.statusWithoutFiles(s)
	return out, n.listHeld(&out)
}

// Health is Status without the files: it costs little however many the node holds.
func (n *Node) Health(context.Context) (Status, error) {
	return n.statusWithoutFiles(n.state.Load()), nil
}

func (n *Node) statusWithoutFiles(s *snapshot) Status {
	out := Status{
		PeerID: n.PeerID(), Key: uint16(n.self.Key), RingAddress: n.RingAddress(), State: "joining", Addrs: []string{},
		Successor: n.memberAt(n.self), Successors: []Member{}, Files: []FileInfo{}, BackupFiles: []FileInfo{},
		Bootstrap: []Contact{}, Network: n.network(), Ring: n.ringHealth(s),
	}
	switch {
	case s.Leaving:
		out.State = "leaving"
	case s.View.Joined():
		out.State = "active"
	}
	for _, a := range n.Addrs() {
		out.Addrs = append(out.Addrs, a.String())
	}
	for i, p := range s.View.Successors() {
		if i == 0 {
			out.Successor = n.memberAt(p)
		}
		out.Successors = append(out.Successors, n.memberAt(p))
	}
	if preds := s.View.Predecessors(); len(preds) > 0 {
		m := n.memberAt(preds[0])
		out.Predecessor = &m
	}
	for _, c := range n.contacts {
		out.Bootstrap = append(out.Bootstrap, Contact{Addr: c.Addr().String(), Connected: c.Connected()})
	}
	u := n.store.Usage()
	behind, missing := n.replicas.Behind()
	out.Repair = Repair{PeersBehind: behind, RecordsShort: missing, BlocksMissing: u.Missing}
	out.CopiesMissing = missing
	out.Arc = Arc{From: out.Key, To: out.Key, Synced: s.Grants.Synced && !s.Grants.Degraded, Why: s.Grants.Why}
	if out.Predecessor != nil {
		out.Arc.From = out.Predecessor.Key
	}
	if out.Arc.Synced {
		out.Arc.Why = "" // a nearer predecessor's grant may be asked for all the same
	}
	if s.Grants.Degraded {
		out.Arc.Why = "all other members are gone or cut off"
	}
	out.Storage = Storage{UsedBytes: u.UsedBytes, CapacityBytes: u.CapacityBytes, FreeDiskBytes: u.FreeDiskBytes, Aside: s.Standby}
	_, out.Storage.Failed = n.standby.State()
	return out
}

// listHeld fills in the files that the node owns and those that it holds for others.
func (n *Node) listHeld(out *Status) error {
	return n.replicas.Files(func(f replication.File) {
		info := n.transfer.DescribeHeld(f.Record, f.Copies)
		info.Missing = !f.Complete
		if f.Owned {
			out.Files = append(out.Files, info)
		} else {
			out.BackupFiles = append(out.BackupFiles, info)
		}
	})
}

// memberAt describes the node at p as far as it is known.
func (n *Node) memberAt(p ring.Position) Member {
	m := Member{PeerID: peerID(p).String(), Key: uint16(p.Key), Addrs: []string{}}
	if p == n.self {
		m.RingAddress = n.RingAddress()
		for _, a := range n.host.Addrs() {
			m.Addrs = append(m.Addrs, a.String())
		}
	} else if info, ok := n.book.Info(p.ID); ok {
		m = transfer.DescribeMember(info)
	}
	if w, ok := connpath.To(n.host, peerID(p)); ok {
		m.Path = w.Kind
		if w.Relay != "" {
			m.Via = w.Relay.String()
		}
	}
	return m
}

// network counts the connections by their path.
func (n *Node) network() Network {
	out := Network{Reachability: n.observer.Reachability()}
	for _, p := range n.host.Network().Peers() {
		switch n.host.Network().Connectedness(p) {
		case network.Connected:
			out.DirectPeers++
		case network.Limited:
			out.RelayedPeers++
		default: // gone in the meantime
		}
	}
	n.describeNetwork(&out)
	return out
}

// ringHealth tells what a node can see of trouble by itself.
func (n *Node) ringHealth(s *snapshot) RingHealth {
	f := nodehealth.Facts{Snapshot: s, Conflict: n.conflict.Problem(), Panics: contain.Problems(), Name: n.nameOf}
	f.Disk, f.DiskFailure = n.standby.State()
	count, last := n.contradictions.Seen(time.Hour)
	f.Contradictions, f.Contradiction = count, last.Error()
	f.PeersBehind, f.RecordsShort = n.replicas.Behind()
	f.Skew, f.Clocks = n.replicas.Clocks().Skew(nodehealth.ClockTolerance.Milliseconds())
	problems := nodehealth.Problems(f)
	return RingHealth{OK: len(problems) == 0, Problems: problems}
}

// nameOf names a peer for people: by its ring address, if it has one, and its ID.
func (n *Node) nameOf(p ring.Position) string {
	if info, ok := n.book.Info(p.ID); ok && !info.RingAddress.IsZero() {
		return fmt.Sprintf("%s (%s)", info.RingAddress, peerID(p))
	}
	return peerID(p).String()
}

// Peers lists the node's connections: ring neighbors first, then by key. Each is pinged,
// all at the same time, for two seconds at most.
func (n *Node) Peers(ctx context.Context) ([]Connection, error) {
	return connections.List(ctx, connections.Source{Host: n.host, Watch: n.watch, Self: n.self.Key, Info: n.book.Info, Roles: n.roles})
}

// roles says what each peer is to this node.
func (n *Node) roles() map[peer.ID][]string {
	out := make(map[peer.ID][]string)
	add := func(role string, ps []ring.Position) {
		for _, p := range ps {
			if id := peerID(p); !slices.Contains(out[id], role) {
				out[id] = append(out[id], role)
			}
		}
	}
	v := n.state.Load().View
	succs, preds := v.Successors(), v.Predecessors()
	// The nearest ones are what their names say; in a small ring everybody is in both lists.
	add(RoleSuccessor, succs[:min(len(succs), 1)])
	add(RolePredecessor, preds[:min(len(preds), 1)])
	add(RoleSuccessor, succs)
	add(RolePredecessor, preds)
	add(RoleFinger, v.Fingers())
	for _, c := range n.contacts {
		// several addresses may be one peer's
		if id := c.ID(); !slices.Contains(out[id], RoleBootstrap) {
			out[id] = append(out[id], RoleBootstrap)
		}
	}
	return out
}
