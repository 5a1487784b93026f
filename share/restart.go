package share

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// part is what the shared folder is called when it fails.
const part = "the shared folder"

// work is what the loop has begun since it started last: scans, looks, puts and checks.
type work struct {
	ctx    context.Context //nolint:containedctx // it ends with the loop's run
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// calls is what the work has the loop do. A later run hears nothing of it.
	calls chan func()
}

func newWork(ctx context.Context) *work {
	w := &work{calls: make(chan func(), 64)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w
}

// post has the loop do fn; false when its run has ended.
func (w *work) post(fn func()) bool {
	select {
	case w.calls <- fn:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// run keeps the loop running until Close. After a panic in it all begins anew, from what is on disk.
func (f *Folder) run() {
	defer close(f.ended)
	contain.Restart(f.ctx, part, func(context.Context) {
		defer f.endWork()
		if !f.fresh {
			f.beginAnew()
		}
		f.fresh = false
		f.loop()
	})
}

// endWork ends what the loop has begun, and waits for it.
func (f *Folder) endWork() {
	f.work.cancel()
	f.work.wg.Wait()
}

// beginAnew replaces everything that a panic may have left in disorder.
func (f *Folder) beginAnew() {
	f.work = newWork(f.ctx)
	f.m = newMachine(f.cfg.Quiet)
	f.m.shorts.wanted = f.cfg.Copies
	f.uploads, f.looks, f.looking = map[*file]*upload{}, map[string]how{}, false
	f.scan = scanning{state: FolderScanning}
	f.told, f.tellAt, f.flushAt = told{}, 0, 0
	_ = f.mem.close() // what it lacks is read again
	mem, _, err := openMemory(f.cfg.Data, f.cfg.Dir, f.m.remember)
	if err != nil {
		f.words.trouble(fmt.Sprintf("can't read what is stored of it (%v): all files are read again", fault.Reason(err)))
		mem = &memory{path: f.mem.path, header: f.mem.header}
	}
	f.mem = mem
}

// contained runs one piece of work. If it panics, the work counts as failed.
func contained(what string, fn func() error) error {
	err := contain.Run(part, fn)
	if errors.Is(err, contain.ErrPanic) {
		err = fmt.Errorf("%s failed by a bug of the program, whose stack is in the node's log: %w", what, err)
	}
	return err
}

// now is the time since the folder was opened. It is never 0, which is "never" to the machine.
func (f *Folder) now() time.Duration { return time.Since(f.begun) + 1 }
