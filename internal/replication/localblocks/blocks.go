package localblocks

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/replication/foreground"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/store"
)

// Blocks are the bytes of blocks at this node: in its store, and in memory. It is safe for
// concurrent use.
type Blocks struct {
	env      env.Env
	store    Store
	memory   *membudget.Budget
	load     *foreground.Load
	inFlight inFlight
}

// New returns the blocks of a store. Those that are in memory take it from memory.
func New(e env.Env, s Store, memory *membudget.Budget, load *foreground.Load) *Blocks {
	return &Blocks{env: e, store: s, memory: memory, load: load}
}

// Store keeps the bytes; see package store.
type Store interface {
	StageKnown(ctx context.Context, data []byte, hash store.Hash, use store.Use) (store.Staged, error)
	Has(hash store.Hash) (bool, error)
	Size(hash store.Hash) (int, error)
	Read(ctx context.Context, hash store.Hash, buf []byte) ([]byte, error)
	Raw(hash store.Hash, by store.Reader) (io.ReadCloser, int, error)
}

// turnEvery is how often a wait for memory counts as progress.
const turnEvery = time.Second

// TakeMemory waits for memory. Those before it are bounded, so the wait counts as progress.
func (l *Blocks) TakeMemory(ctx context.Context, class membudget.Class, size int) (*membudget.Buffer, error) {
	if buf := l.memory.TryTake(class, size); buf != nil {
		return buf, nil
	}
	waiting := env.NewGroup(l.env, 0)
	ended := l.env.NewSignal()
	// A group without a limit takes all.
	_ = waiting.Go(ctx, "waiting for memory", func(own context.Context) {
		for errors.Is(l.env.Wait(own, turnEvery, ended), env.ErrElapsed) {
			protocol.NoteProgress(ctx)
		}
	})
	defer waiting.Wait()
	defer ended.Fire()
	return l.memory.Take(ctx, class, size)
}
