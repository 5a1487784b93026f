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

// part names the shared folder in reports of a panic.
const part = "the shared folder"

// work is what one run of the loop has started: scans, looks, puts, and checks.
type work struct {
	ctx    context.Context //nolint:containedctx // it ends with the loop's run
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// calls are functions for the loop. A later run doesn't get them.
	calls chan func()
}

func newWork(ctx context.Context) *work {
	w := &work{calls: make(chan func(), 64)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w
}

// post runs fn in the loop. It returns false if that run of the loop has ended.
func (w *work) post(fn func()) bool {
	select {
	case w.calls <- fn:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// run keeps the loop running until Close. After a panic it starts again from what is on disk.
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

// endWork cancels the work of the loop and waits for it.
func (f *Folder) endWork() {
	f.work.cancel()
	f.work.wg.Wait()
}

// beginAnew replaces everything that a panic may have left inconsistent.
func (f *Folder) beginAnew() {
	f.work = newWork(f.ctx)
	f.m = newMachine(f.cfg.Quiet)
	f.m.shorts.wanted = f.cfg.Copies
	f.uploads, f.looks, f.looking = map[*file]*upload{}, map[string]how{}, false
	f.scan = scanning{state: FolderScanning}
	f.shown, f.statusAt, f.flushAt = shownStatus{}, 0, 0
	_ = f.mem.close() // what it lacks is read again
	mem, _, err := openMemory(f.cfg.Data, f.cfg.Dir, f.m.remember)
	if err != nil {
		f.messages.trouble(fmt.Sprintf("can't read what is stored of it (%v): all files are read again", fault.Reason(err)))
		mem = &memory{path: f.mem.path, header: f.mem.header}
	}
	f.mem = mem
}

// contained runs fn. A panic in it counts as a failure.
func contained(what string, fn func() error) error {
	err := contain.Run(part, fn)
	if errors.Is(err, contain.ErrPanic) {
		err = fmt.Errorf("%s failed by a bug of the program, whose stack is in the node's log: %w", what, err)
	}
	return err
}

// now is the time since the folder was opened. It is never 0, which means "never" in the machine.
func (f *Folder) now() time.Duration { return time.Since(f.begun) + 1 }
