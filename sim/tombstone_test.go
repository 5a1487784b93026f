package sim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/ring"
)

// A holder is away for longer than the grace of tombstones. Meanwhile a file that it holds is
// deleted, and the others collect the tombstone. What it brings back counts nowhere.
func TestADeleteIsCollectedWhileAHolderIsAway(t *testing.T) {
	t.Parallel()
	const grace, end = 16 * time.Second, 90 * time.Second
	for i := range 3 {
		returned := false
		performFor(t, uint64(i), grace, end, func(s *stage) {
			name := s.nameNear()
			away, writer, remover := []*peer{s.owner, s.pred, s.succ}[i], s.peers[4], s.peers[3]
			s.operate(writer, name, 0, func() {
				if s.holding(name, away) == 0 || len(s.check.on(away.disk, name, false)) != 1 {
					t.Errorf("%d does not hold the file", away.index)
				}
				away.down(true)
				s.operate(remover, name, 4, func() {
					if front := s.check.front[name]; len(front) != 1 || !front[0].GetDeleted() {
						t.Errorf("the delete is not acknowledged: there is%s", names(front))
					}
					s.when(func() bool { return s.holding(name, away) == 0 }, func() {
						returned = true
						away.start()
						s.neverServed(t, name, away)
					})
				})
			})
		})
		if !returned {
			t.Errorf("seed %d: the tombstone is not collected", i)
		}
	}
}

// nameNear is a name whose holders are those of file-0.
func (s *stage) nameNear() string {
	for i := 0; ; i++ {
		if name := fmt.Sprint("deleted-", i); s.key-ring.Hash(name) < 2000 {
			return name
		}
	}
}

// operate has a user do something at a peer, and calls then when it is over.
func (s *stage) operate(p *peer, name string, kind int, then func()) {
	s.users.busy++
	p.env.Go("user", func(ctx context.Context) {
		s.users.operate(ctx, p, 100+p.index, name, kind)
		s.users.busy--
		s.After(time.Second, then)
	}, nil)
}

// when calls then as soon as something is so.
func (s *stage) when(so func() bool, then func()) {
	if so() {
		then()
		return
	}
	s.After(100*time.Millisecond, func() { s.when(so, then) })
}

// holding is how many peers other than not have anything under a name, whether or not it counts.
func (s *stage) holding(name string, not *peer) int {
	return len(s.peersWhere(func(p *peer) bool { return p != not && len(s.check.on(p.disk, name, true)) > 0 }))
}

// neverServed checks from now on that a deleted file stays where it came back, and that all peers
// that are asked for it know no such file. There it counts no longer a second after it came back.
func (s *stage) neverServed(t *testing.T, name string, back *peer) {
	t.Helper()
	n := 0
	var look func()
	look = func() {
		p := s.peers[n%len(s.peers)]
		n++
		switch {
		case s.holding(name, back) > 0:
			t.Errorf("at %.3f s others have the deleted file: %s", s.Now().Seconds(), s.check.everywhere(name))
			return
		case n > 4 && len(s.check.on(back.disk, name, false)) > 0:
			t.Errorf("at %.3f s the deleted file counts where it came back", s.Now().Seconds())
			return
		case s.quiet || !p.joined():
		default:
			s.operate(p, name, 9, func() {})
		}
		s.After(250*time.Millisecond, look)
	}
	look()
}
