package protocol

import (
	"context"
	"sync/atomic"
)

type progressKey struct{}

// WithProgress returns a context under which note is called each time a request makes progress:
// bytes of a body move in either direction, or the peer says that its own work does. Requests under
// ctx itself are noted too.
func WithProgress(ctx context.Context, note func()) context.Context {
	if outer := progressOf(ctx); outer != nil {
		inner := note
		note = func() { inner(); outer() }
	}
	return context.WithValue(ctx, progressKey{}, note)
}

// NoteProgress means that the work under ctx has made progress.
func NoteProgress(ctx context.Context) {
	if note := progressOf(ctx); note != nil {
		note()
	}
}

// ProgressFrom returns ctx with the progress of from noted under it: for work that outlives the
// request that asks for it.
func ProgressFrom(ctx, from context.Context) context.Context {
	if note := progressOf(from); note != nil {
		return WithProgress(ctx, note)
	}
	return ctx
}

// progressOf returns what is to be called at progress under ctx, or nil.
func progressOf(ctx context.Context) func() {
	note, _ := ctx.Value(progressKey{}).(func())
	return note
}

// progressCount counts the progress of a request that a server works on.
type progressCount struct{ n atomic.Uint64 }

func (c *progressCount) note() { c.n.Add(1) }
