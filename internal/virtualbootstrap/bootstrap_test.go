package virtualbootstrap

import (
	"slices"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/ring"
)

// One newcomer at a time is told to found the ring. Once there are members, the nearest are
// introduced.
func TestIntroduce(t *testing.T) {
	t.Parallel()
	var b Peer
	one, other := ring.Position{Key: 1, ID: "one"}, ring.Position{Key: 2, ID: "other"}
	if peers, found := b.Introduce(one, nil, 0, time.Second); !found || peers != nil {
		t.Errorf("the first newcomer is told %v, %t", peers, found)
	}
	if peers, found := b.Introduce(other, nil, time.Second/2, time.Second); found || !slices.Equal(peers, []ring.Position{one}) {
		t.Errorf("the second newcomer is told %v, %t", peers, found)
	}
	if _, found := b.Introduce(other, nil, time.Second, time.Second); !found {
		t.Error("nobody else is told to found the ring when the first doesn't")
	}
	var members []ring.Position
	for k := range 20 {
		members = append(members, ring.Position{Key: ring.Key(10 * k)}) //nolint:gosec // small
	}
	peers, found := b.Introduce(ring.Position{Key: 5}, members, 2*time.Second, time.Second)
	want := []ring.Position{members[19], members[0], members[1], members[2], members[3], members[4]}
	if found || !slices.Equal(peers, want) {
		t.Errorf("introduced are %v, want %v", peers, want)
	}
}
