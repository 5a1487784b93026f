package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/transfer"
	"github.com/p2pchord/p2pchord/replica"
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
		info := transfer.Describe(f.Record, f.Copies)
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
	return out
}

// ringHealth tells what a node can see of trouble by itself.
func (n *Node) ringHealth(s *snapshot) RingHealth {
	h := RingHealth{Problems: []string{}}
	say := func(format string, args ...any) { h.Problems = append(h.Problems, fmt.Sprintf(format, args...)) }
	state, reason := n.standby.State()
	switch {
	case state == replica.Aside:
		say("the disk of this node failed (%s), so it has stepped aside: other peers own its files, and it is only read from; it comes back by itself when the disk can be written again", reason)
	case state == replica.Settling || s.Standby:
		say("the disk of this node failed (%s) and works again: it comes back in a moment", reason)
	case !s.View.Joined():
		say("not a member of a ring yet")
	case s.Grants.Degraded:
		say("all other members are gone or cut off: files are read from here only, and nothing can be stored")
	case !s.Grants.Synced:
		say("the arc of this node is not served yet: %s", s.Grants.Why)
	}
	if s.View.Joined() && !s.View.Incorporated() {
		say("the predecessor has not taken this node in yet")
	}
	for _, p := range []ring.Position{first(s.View.Predecessors()), first(s.View.Successors())} {
		if p.IsNode() && s.View.Suspected(p) {
			say("%s does not answer", peerID(p))
		}
	}
	behind, missing := n.replicas.Behind()
	if behind > 0 {
		say("%d peers do not hold all copies of this node's files yet", behind)
	}
	if missing > 0 {
		say("%d records do not have all of their copies yet", missing)
	}
	if state == replica.Failing {
		say("the disk of this node failed (%s): nothing is stored here until it can be written again, which is tried again and again; the node steps aside when the ring can do without it", reason)
	}
	if p := n.instances.problem(); p != "" {
		say("%s", p)
	}
	h.Problems = append(h.Problems, contain.Problems()...)
	if wrong := n.wrongClock(); wrong != "" {
		say("%s", wrong)
	}
	h.OK = len(h.Problems) == 0
	return h
}
