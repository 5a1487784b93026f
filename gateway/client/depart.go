package client

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/node"
)

// Leave makes the node leave. When it returns, no process uses the data folder.
func (c *Client) Leave(ctx context.Context, report func(node.HandOver)) error {
	return c.depart(ctx, "/v1/leave", report)
}

// Quit makes the node quit. It may hand over files until ctx's deadline, or for DefaultWithin if
// there is none. When Quit returns, no process uses the data folder.
func (c *Client) Quit(ctx context.Context, report func(node.HandOver)) error {
	within := api.DefaultWithin
	if d, ok := ctx.Deadline(); ok {
		within = max(time.Until(d), 0)
	}
	// The node keeps to the time. Here only its silence ends the call.
	ctx, cancel := withoutDeadline(ctx)
	defer cancel()
	return c.depart(ctx, "/v1/quit?within="+within.String(), report)
}

func (c *Client) depart(ctx context.Context, path string, report func(node.HandOver)) error {
	result, err := c.reported(ctx, path, func(item json.RawMessage) error {
		var h node.HandOver
		if err := json.Unmarshal(item, &h); err != nil {
			return err
		}
		report(h)
		return nil
	})
	var d api.Departed
	if result != nil && json.Unmarshal(result, &d) == nil && d.Gone {
		c.gone.Store(true)
	}
	return err
}

// Verify makes the node read its blocks again.
func (c *Client) Verify(ctx context.Context, report func(node.Damage)) (v node.Verified, err error) {
	result, err := c.reported(ctx, "/v1/verify", func(item json.RawMessage) error {
		var d node.Damage
		if err := json.Unmarshal(item, &d); err != nil {
			return err
		}
		report(d)
		return nil
	})
	if result != nil {
		err = errors.Join(err, json.Unmarshal(result, &v))
	}
	return v, err
}

// withoutDeadline returns a context that is canceled with ctx, but not when its deadline passes.
func withoutDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			cancel(context.Cause(ctx))
		}
	})
	return out, func() { stop(); cancel(nil) }
}
