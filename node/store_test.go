package node_test

import (
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// TestStrangersHandNothingOver checks that a copy without a grant is taken from members only,
// whatever its clock.
func TestStrangersHandNothingOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	s := c.newStranger()
	data := []byte("data")
	c.put(c.nodes[0], "name", data)
	now := time.Now()
	for what, clock := range map[string]uint64{
		"now": protocol.Clock(now), "last month": protocol.Clock(now.Add(-30 * day)), "next year": protocol.Clock(now.Add(365 * day)),
		"the greatest": replica.MaxClock,
	} {
		for i, n := range c.nodes {
			if _, err := s.ask(t.Context(), n, storeOf(s.file("name", data, clock)), data); fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("node %d takes a stranger's copy of a version of %s: %v", i, what, err)
			}
			if _, err := s.ask(t.Context(), n, storeOf(s.file("new", nil, clock)), nil); fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("node %d takes a stranger's copy of a new file of %s: %v", i, what, err)
			}
		}
	}
	c.put(c.nodes[1], "name", []byte("again"))
	c.readable(map[string][]byte{"name": []byte("again")})
	c.gone("new")
}

// TestInvalidClocks checks that a clock which no version can have is refused wherever a record
// comes in, is not spread by those who have it, keeps nothing else from being taken over, and goes
// when such a node starts again.
func TestInvalidClocks(t *testing.T) {
	t.Parallel()
	c, k, dirs := aged(t, 2)
	s := c.newStranger()
	invalid := s.unchecked(&pb.RecordBody{Name: "name", Clock: 1<<64 - 1, Floor: 1<<64 - 2, Deleted: true})
	for i, n := range c.nodes {
		for _, req := range []*pb.FileRequest{putOf(invalid), storeOf(invalid)} {
			if _, err := s.ask(t.Context(), n, req, nil); fault.CodeOf(err) != fault.Integrity {
				t.Errorf("node %d, asked to take a clock of 2^64-1: %v", i, err)
			}
		}
		if err := n.Plant(t.Context(), invalid); err != nil {
			t.Fatal(err)
		}
	}
	c.put(c.nodes[0], "other", []byte("other"))
	newcomer := c.again(k, t.TempDir())
	c.settled()
	c.eventually("the newcomer has the other file and not the invalid record", func() string {
		if count, _ := newcomer.Records(); count != 1 {
			return "it has not one record"
		}
		return ""
	})
	for _, n := range c.nodes[:2] {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c.again(k, dirs[0])
	c.again(k, dirs[1])
	c.holds(1)
	c.put(c.live()[0], "name", []byte("new"))
	c.readable(map[string][]byte{"name": []byte("new"), "other": []byte("other")})
}

// TestDeletedFilesAreNotHandedBack checks that the record of a deleted file does not come back from
// a stranger when the delete is forgotten.
func TestDeletedFilesAreNotHandedBack(t *testing.T) {
	t.Parallel()
	c, k, _ := aged(t, 3)
	s := c.newStranger()
	data := []byte("deleted")
	rec := s.file("deleted", data, protocol.Clock(time.Now()))
	owner := c.owner("deleted")
	if _, err := s.ask(t.Context(), owner, putOf(rec), data); err != nil {
		t.Fatal(err)
	}
	if err := c.nodes[0].Remove(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	c.buried(k, 1)
	c.holds(0)
	for i, n := range c.nodes {
		for what, req := range map[string]*pb.FileRequest{"Store": storeOf(rec), "Put": putOf(rec)} {
			if _, err := s.ask(t.Context(), n, req, data); err == nil {
				t.Errorf("node %d takes a deleted file back by %s", i, what)
			}
		}
	}
	c.gone("deleted")
}

// owner is the node that owns a name.
func (c *cluster) owner(name string) *node.Node {
	c.t.Helper()
	l, err := c.nodes[0].Lookup(c.t.Context(), name)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range c.nodes {
		if n.PeerID() == l.Owner.PeerID {
			return n
		}
	}
	c.t.Fatalf("nobody owns %q", name)
	return nil
}
