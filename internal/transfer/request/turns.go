package request

import "context"

// maxCutOffs bounds how often the bytes of a block are sent again after their connection broke off
// in the middle. Each time the timeout begins anew, so the count is what bounds the operation.
const maxCutOffs = 8

type turnsKey struct{}

// RepeatInTurn returns a context whose requests are repeated one at a time once their connection
// has broken off in the middle. Side by side they may be too slow for the connection.
func RepeatInTurn(ctx context.Context) context.Context {
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
