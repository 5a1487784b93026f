package node

import "context"

// maxCutOffs bounds how often the bytes of a block are sent again after their way was cut off in the middle. That each
// began anew is what bounds the time then, not the first one.
const maxCutOffs = 8

type turnsKey struct{}

// oneByOne has those requests under the returned context that were cut off repeated one at a time: side by side
// they may be too slow.
func oneByOne(ctx context.Context) context.Context {
	return context.WithValue(ctx, turnsKey{}, make(chan struct{}, 1))
}

// turn is one request's part in that.
type turn struct {
	all  chan struct{} // nil: nobody takes turns
	mine bool
}

func turnOf(ctx context.Context) *turn {
	all, _ := ctx.Value(turnsKey{}).(chan struct{})
	return &turn{all: all}
}

// take waits for the turn, which lasts until end.
func (t *turn) take(ctx context.Context) error {
	if t.all == nil || t.mine {
		return nil
	}
	select {
	case t.all <- struct{}{}:
		t.mine = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *turn) end() {
	if t.mine {
		t.mine = false
		<-t.all
	}
}
