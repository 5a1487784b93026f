package replication

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/chord"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// A reader's vote as the witness counts only from the giver of the present grant, and only
// up to the version that it has.
func TestWhoseVoteConfirms(t *testing.T) {
	t.Parallel()
	witness := ring.Position{Key: 7, ID: "witness"}
	s := &chord.Snapshot{}
	s.Grants.Grant = replica.Grant{From: witness, ID: replica.GrantID{Nonce: 1, Counter: 2}}
	current := &pb.GrantID{Nonce: 1, Counter: 2}
	has := []records.Stored{{Entry: store.Entry{Stamp: "5"}}}
	for _, c := range []struct {
		name       string
		readerVote readerVote
		ks         []records.Stored
		want       bool
	}{
		{"no vote", readerVote{from: "witness"}, has, false},
		{"the version that is served", readerVote{"witness", &pb.Confirm{Grant: current, Stamp: []byte("5")}}, has, true},
		{"a greater one", readerVote{"witness", &pb.Confirm{Grant: current, Stamp: []byte("6")}}, has, true},
		{"an older one", readerVote{"witness", &pb.Confirm{Grant: current, Stamp: []byte("4")}}, has, false},
		{"none at all", readerVote{"witness", &pb.Confirm{Grant: current}}, has, false},
		{"no such file", readerVote{"witness", &pb.Confirm{Grant: current}}, nil, true},
		{"another peer", readerVote{peer.ID("other"), &pb.Confirm{Grant: current, Stamp: []byte("5")}}, has, false},
		{"an earlier grant", readerVote{"witness", &pb.Confirm{Grant: &pb.GrantID{Nonce: 1, Counter: 1}, Stamp: []byte("5")}}, has, false},
		{"no grant", readerVote{"witness", &pb.Confirm{Stamp: []byte("5")}}, has, false},
	} {
		if got := c.readerVote.confirms(s, c.ks); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
