package view

import (
	"fmt"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

func TestTheStatusForPeople(t *testing.T) {
	t.Parallel()
	s := node.Status{PeerID: "12D3KooWabcdefgh", Key: 7, State: "active", Ring: node.RingHealth{OK: true}}
	s.Successor = node.Member{PeerID: s.PeerID, Key: 7}
	got := Status(s).Text() + "\n"
	want := "Node Key: 7\nSuccessor: 7 (itself)\nPredecessor: none\nFiles: none\nBackup Files: none\nPeer ID: "
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "Ring: ok\n") {
		t.Errorf("alone:\n%s", got)
	}
	s.Successor = node.Member{PeerID: "12D3KooWsuccessor", Key: 9, RingAddress: "localhost:8002"}
	s.Predecessor = &node.Member{PeerID: "12D3KooWpredecessor", Key: 5}
	for i := range 10 {
		s.Files = append(s.Files, node.FileInfo{Name: fmt.Sprint("f", i), Size: 1 << 20})
	}
	s.Ring = node.RingHealth{Problems: []string{"something is off"}}
	got = Status(s).Text() + "\n"
	want = "Node Key: 7\nSuccessor: 9 (localhost:8002, uccessor)\nPredecessor: 5 (decessor)\nFiles: 10 (10 MiB): f0, f1, f2, f3, f4, f5, f6, f7, and 2 more\nBackup Files: none\n"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "Ring: something is off\n") {
		t.Errorf("in a ring:\n%s", got)
	}
}
