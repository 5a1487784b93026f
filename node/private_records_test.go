package node_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/admission"
	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// newMember is a peer that has joined with these roles and speaks the protocols itself, knowing all
// nodes.
func (r *privateRing) newMember(roles statement.Roles) (*stranger, *membership.Network) {
	r.t.Helper()
	dir, m := r.join(roles)
	key := identityIn(r.t, dir)
	admits := admission.New(admission.Config{Network: m})
	h, err := p2phost.New(p2phost.Config{Profile: p2phost.Client, Key: key, Access: admits.Access()})
	if err != nil {
		r.t.Fatal(err)
	}
	admits.Start(h)
	s := &stranger{t: r.t, host: h, key: key, client: protocol.NewClient(h, protocol.ClientOptions{})}
	r.t.Cleanup(func() {
		_ = s.client.Close()
		_ = admits.Close()
		_ = h.Close()
	})
	for _, n := range r.nodes {
		infos, err := peeraddr.Infos(n.Addrs())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, i := range infos {
			if err := h.Connect(r.t.Context(), i); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	return s, m
}

func (r *privateRing) startAll() {
	r.t.Helper()
	for _, dir := range r.folders {
		r.start(node.Config{Data: dir})
	}
	r.settled()
}

// written is a record of a file of one block, written at a time.
func (s *stranger) written(name string, at time.Time, data []byte) *pb.Record {
	s.t.Helper()
	sum := blake3sum.Sum(data)
	return s.sign(&pb.RecordBody{Name: name, Clock: protocol.Clock(at), Size: uint64(len(data)), Hash: sum[:], BlockSize: 1 << 20, Blocks: sum[:]})
}

// newStrangerKey is a peer that no network knows.
func newStrangerKey(t testing.TB) *stranger {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &stranger{t: t, key: key}
}

// describeIn is what a peer says of itself in a network, or in an open ring if that is zero.
func (s *stranger) describeIn(network statement.NetworkID, a protocol.RingAddress) *pb.Peer {
	s.t.Helper()
	p, err := protocol.DescribePeerIn(network, s.key, a)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func idOf(t testing.TB, n *node.Node) peer.ID {
	t.Helper()
	id, err := peer.Decode(n.PeerID())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The place of each member is the one that it was granted, and its key is the hash of that.
func TestPlacesOfAPrivateRing(t *testing.T) {
	t.Parallel()
	r := newPrivateRing(t, 3)
	r.startAll()
	for i, n := range r.nodes {
		m, ok := r.first.Member(idOf(t, n))
		if !ok || n.RingAddress() != m.Place {
			t.Errorf("node %d is at %q, and was granted %q", i, n.RingAddress(), m.Place)
		}
		a, err := protocol.ParseRingAddress(m.Place)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := n.Status(t.Context()); err != nil || st.Key != uint16(ring.Hash(a.Host+a.Port)) {
			t.Errorf("node %d has the key %d, %v", i, st.Key, err)
		}
	}
	cfg := node.Config{Data: t.TempDir(), Listen: anyPort, Bootstrap: r.addrs, RingAddress: "chosen:1"}
	cfg.Data, _ = r.join(statement.RolesMember)
	if n, err := node.New(t.Context(), cfg); fault.CodeOf(err) != fault.NotAllowed {
		t.Errorf("a member chooses its place: %v", err)
		_ = n.Close()
	}
}

// A member can't come to another place on the ring, nor describe itself as in another ring, nor
// bring in peers that aren't members, in whatever message it names them.
func TestAMemberBringsNobodyIn(t *testing.T) {
	t.Parallel()
	r := newPrivateRing(t, 3)
	r.startAll()
	liar, m := r.newMember(statement.RolesMember)
	granted, _ := r.first.Member(liar.host.ID())
	place, err := protocol.ParseRingAddress(granted.Place)
	if err != nil {
		t.Fatal(err)
	}
	right, elsewhere := liar.describeIn(m.ID(), place), protocol.RingAddress{Host: "chosen", Port: "1"}
	friend := newStrangerKey(t)
	friends := []*pb.Peer{friend.describeIn(m.ID(), place), friend.describeIn(statement.NetworkID{}, place), friend.describeIn(statement.NetworkID{9}, place)}
	friendID, err := peer.IDFromPrivateKey(friend.key)
	if err != nil {
		t.Fatal(err)
	}
	service := protocol.ServeRing(liar.host, protocol.ServeOptions{Network: m.ID()}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) {
		return &pb.RingResponse{Body: &pb.RingResponse_Neighbours{Neighbours: &pb.Neighbours{
			Self: right, Predecessors: friends, Successors: friends, Joined: true, Incorporated: true,
		}}}, nil
	})
	defer func() { _ = service.Close() }()
	ask := func(n *node.Node, req *pb.RingRequest) error {
		_, err := liar.client.Ring(t.Context(), idOf(t, n), req)
		return err
	}
	for name, c := range map[string]struct {
		from *pb.Peer
		want fault.Code
	}{
		"at another place":               {liar.describeIn(m.ID(), elsewhere), fault.NotAllowed},
		"as a member of another network": {liar.describeIn(statement.NetworkID{9}, place), fault.NotAllowed},
		"as in an open ring":             {liar.describeIn(statement.NetworkID{}, place), fault.NotAllowed},
	} {
		if err := ask(r.nodes[0], &pb.RingRequest{Body: &pb.RingRequest_Neighbours{Neighbours: &pb.GetNeighbours{From: c.from}}}); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	// It tells all of them that it is their predecessor, and at least one believes it: that one
	// asks it who its neighbors are.
	r.eventually("the liar is in somebody's view", func() string {
		for _, n := range r.nodes {
			if err := ask(n, &pb.RingRequest{Body: &pb.RingRequest_Notify{Notify: &pb.Notify{From: right}}}); err != nil {
				return err.Error()
			}
			if n.HasNeighbor(liar.host.ID()) {
				return ""
			}
		}
		return "nobody has it"
	})
	for _, f := range friends {
		for _, n := range r.nodes {
			if err := ask(n, &pb.RingRequest{Body: &pb.RingRequest_Depart{Depart: &pb.Depart{From: &pb.Neighbours{
				Self: right, Predecessors: []*pb.Peer{f}, Successors: friends,
			}}}}); err != nil {
				t.Error(err)
			}
		}
	}
	for i, n := range r.nodes {
		if n.KnowsPeer(friendID) || n.HasNeighbor(friendID) {
			t.Errorf("node %d knows a stranger that a member has named", i)
		}
	}
}

// Records of who may not write are taken by nobody, in a put or as a copy. What a revoked writer
// wrote before is taken as a copy, and stays readable; what it wrote afterwards is set aside.
func TestRecordsOfWriters(t *testing.T) {
	t.Parallel()
	r := newPrivateRing(t, 3)
	r.startAll()
	now := time.Now()
	revoked := now.Add(-time.Hour)
	gone, _ := r.newMember(statement.RolesClient)
	box, _ := r.newMember(statement.RolesStorage)
	mover, _ := r.newMember(statement.RolesMember)
	data := []byte("bytes")
	put := func(name string, at time.Time) {
		t.Helper()
		r.eventually("putting "+name, func() string {
			for _, n := range r.nodes {
				if _, err := gone.ask(t.Context(), n, putOf(gone.written(name, at, data)), data); err == nil {
					return ""
				}
			}
			return "no node takes it"
		})
	}
	put("before", revoked.Add(-time.Minute))
	put("after", revoked.Add(time.Minute+protocolTolerance))
	if err := r.first.Revoke(gone.host.ID(), 0, "", revoked); err != nil {
		t.Fatal(err)
	}
	if err := r.nodes[1].AddStatements(r.first.Missing(nil)); err != nil {
		t.Fatal(err)
	}
	r.eventually("all nodes hear of the revocation, and set aside what was written after it", func() string {
		for i, n := range r.nodes {
			if !n.HasRevoked(gone.host.ID()) {
				return fmt.Sprintf("node %d has not heard of it", i)
			}
			if counted, aside := n.Records(); counted != 1 || aside != 1 {
				return fmt.Sprintf("at node %d %d records count, %d are set aside", i, counted, aside)
			}
		}
		return ""
	})
	for name, want := range map[string]fault.Code{"before": "", "after": fault.NotFound} {
		r.eventually("reading "+name, func() string {
			var last error
			for _, n := range r.nodes {
				if _, last = mover.ask(t.Context(), n, &pb.FileRequest{Body: &pb.FileRequest_Get{Get: &pb.Get{Name: name}}}, nil); fault.CodeOf(last) == want {
					return ""
				}
			}
			return fmt.Sprint(last)
		})
	}
	for name, c := range map[string]struct {
		rec         *pb.Record
		put, counts bool
	}{
		"a member's":                         {mover.written("mover", now, data), true, true},
		"a revoked client's":                 {gone.written("late", now, data), false, false},
		"a revoked client's of before":       {gone.written("early", revoked.Add(-time.Hour), data), false, true},
		"a storage peer's":                   {box.written("box", now, data), false, false},
		"that of somebody whom nobody knows": {newStrangerKey(t).written("nobody", now, data), false, false},
	} {
		const because = "may not write files"
		for i, n := range r.nodes {
			if _, err := mover.ask(t.Context(), n, putOf(c.rec), data); refuses(err, because) == c.put {
				t.Errorf("%s, put at node %d: %v", name, i, err)
			}
			// It is no member of the ring, so none of its copies is taken; but for which reason?
			if _, err := mover.ask(t.Context(), n, storeOf(c.rec), data); refuses(err, because) == c.counts {
				t.Errorf("%s, stored at node %d: %v", name, i, err)
			}
		}
	}
}

const protocolTolerance = 10 * time.Minute

func refuses(err error, because string) bool {
	return fault.CodeOf(err) == fault.NotAllowed && strings.Contains(err.Error(), because)
}

// A node that is revoked ends, and says why. The others go on without it, with all files.
func TestARevokedNodeEnds(t *testing.T) {
	t.Parallel()
	r := newPrivateRing(t, 4)
	r.startAll()
	gone := r.nodes[3]
	data := []byte("bytes")
	r.eventually("putting a file", func() string { // it waits for the data keys
		if _, err := gone.Put(t.Context(), "its own", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err != nil {
			return err.Error()
		}
		return ""
	})
	if _, err := r.nodes[0].ManageNetwork(t.Context(), manage.Request{Do: manage.DoRevoke, Peer: gone.PeerID()}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.eventually("nobody has the revoked node in its view", func() string {
		for i, n := range r.nodes[:3] {
			if n.HasNeighbor(idOf(t, gone)) {
				return fmt.Sprintf("node %d has", i)
			}
		}
		return ""
	})
	t.Logf("out of all views after %v", time.Since(began))
	select {
	case <-gone.Done():
		if err := gone.Err(); fault.CodeOf(err) != fault.NotAllowed {
			t.Errorf("it ends with %v", err)
		}
		t.Logf("it has ended after %v: %v", time.Since(began), gone.Err())
	case <-time.After(time.Minute):
		t.Error("the revoked node goes on")
	}
	r.settled()
	if got := r.get(r.nodes[2], "its own"); string(got) != string(data) {
		t.Errorf("what it had put reads %q", got)
	}
}
