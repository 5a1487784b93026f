package handover

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/store"
)

// departure hands over the records of a node that goes. The ring may change meanwhile: each record
// goes to those who hold it by the view of the moment. One that can't be given because the ring is
// changing is tried again, until none could be given for the timeout.
type departure struct {
	*Leave
	all    bool
	report func(Outcome)
	silent *silentPeers

	mu     sync.Mutex
	failed []string // names of files, each once
	again  []unsettled
	// since is when the first record failed after the last that was given; zero if none has.
	since time.Time
}

// unsettled is a record that could not be given because the ring was changing.
type unsettled struct {
	record records.ID
	err    error
}

// handers is how many records are handed over at a time.
const handers = 4

// handAll hands over the whole store.
func (d *departure) handAll(ctx context.Context) error {
	var after *store.Entry
	for {
		batch, err := d.countedAfter(after)
		if err != nil {
			d.giveUp()
			return err
		}
		if len(batch) == 0 {
			break
		}
		after = &batch[len(batch)-1]
		d.handEach(ctx, batch)
	}
	err := d.handAgain(ctx)
	slices.Sort(d.failed)
	return err
}

// handLate hands over what came in while other records were handed over. It reports nothing: that
// has been done of most of the names.
func (d *departure) handLate(ctx context.Context) {
	d.all, d.report, d.since = false, nil, time.Time{}
	d.handEach(ctx, d.late.take())
	if d.handAgain(ctx) != nil {
		d.giveUp()
	}
}

// handAgain hands over what has failed because the ring was changing, until all is given, or none
// of it could be for the timeout.
func (d *departure) handAgain(ctx context.Context) error {
	least, most := d.cfg.Heartbeat/10, d.cfg.Heartbeat
	for pause := least; ; pause = min(2*pause, most) {
		left, _ := d.state()
		if left == 0 {
			return nil
		}
		err := env.Sleep(ctx, d.cfg.Env, pause)
		if _, stalled := d.state(); err != nil || stalled {
			d.giveUp()
			return nil
		}
		d.silent.reset()
		d.mu.Lock()
		tried := d.again
		d.again = nil
		d.mu.Unlock()
		for len(tried) > 0 {
			some := tried[:min(len(tried), batchRecords)]
			tried = tried[len(some):]
			batch, err := d.readAgain(some)
			if err != nil {
				d.mu.Lock()
				d.again = append(d.again, append(some, tried...)...)
				d.mu.Unlock()
				d.giveUp()
				return err
			}
			d.handEach(ctx, batch)
		}
		if now, _ := d.state(); now < left {
			pause = least / 2
		}
	}
}

// readAgain reads records from the store. One that is no longer there has been replaced by one that
// came in meanwhile, which is handed over as such.
func (d *departure) readAgain(some []unsettled) ([]store.Entry, error) {
	var batch []store.Entry
	for _, u := range some {
		es, err := d.cfg.Store.Entries(u.record.Place)
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if e.Stamp == u.record.Stamp && e.Counted {
				batch = append(batch, e)
			}
		}
	}
	return batch, nil
}

// giveUp reports that what is to be tried again stays.
func (d *departure) giveUp() {
	d.mu.Lock()
	left := d.again
	d.again = nil
	d.mu.Unlock()
	for _, u := range left {
		d.stays(u.record.Place.Name, u.err)
	}
}

// state returns how many records are to be tried again, and whether none could be given for the
// timeout.
func (d *departure) state() (left int, stalled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.again), !d.since.IsZero() && env.Since(d.cfg.Env, d.since) >= d.cfg.Timeout
}

// handEach hands over some records.
func (d *departure) handEach(ctx context.Context, batch []store.Entry) {
	group := env.NewGroup(d.cfg.Env, handers)
	for _, e := range batch {
		if err := group.Go(ctx, "handing a record over", func(context.Context) {
			to, err := "", error(contain.ErrPanic)
			defer func() { d.done(e, to, err) }()
			to, err = d.handOne(ctx, e)
		}); err != nil {
			d.done(e, "", err)
		}
	}
	group.Wait()
}

// changing is the error of a record that may be handed over when the ring has changed.
type changing struct{ error }

func (c changing) Unwrap() error { return c.error }

// done takes in the outcome for one record.
func (d *departure) done(e store.Entry, to string, err error) {
	var passes changing
	switch {
	case err == nil:
		d.mu.Lock()
		defer d.mu.Unlock()
		d.since = time.Time{}
		if e.Index == 0 && to != "" && !records.Deleted(e) {
			tell(d.report, Outcome{Name: e.Name, To: to})
		}
	case errors.As(err, &passes):
		d.mu.Lock()
		defer d.mu.Unlock()
		d.again = append(d.again, unsettled{records.OfEntry(e), passes.error})
		if d.since.IsZero() {
			d.since = d.cfg.Env.Now()
		}
	default:
		d.stays(e.Name, err)
	}
}

// stays takes in that a record stays here.
func (d *departure) stays(name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.failed, name) {
		d.failed = append(d.failed, name)
	}
	tell(d.report, Outcome{Name: name, Error: fault.New(fault.Failed, "%w", err).Error()})
}

func tell(report func(Outcome), h Outcome) {
	if report != nil {
		report(h)
	}
}

// A batch ends with the record that reaches one of these bounds.
const (
	batchRecords = 256
	batchBytes   = 4 << 20
)

// countedAfter reads the next batch of the records that count. No scan lasts while records go over
// the network, because it holds a snapshot of the store.
func (l *Leave) countedAfter(after *store.Entry) (batch []store.Entry, err error) {
	size := 0
	err = l.cfg.Store.Scan(records.Everything, after, func(e store.Entry) bool {
		if e.Counted {
			batch = append(batch, e)
			size += len(e.Value)
		}
		return len(batch) < batchRecords && size < batchBytes
	})
	return batch, err
}

// everyName returns the names of the files in the store, without tombstones.
func (l *Leave) everyName() []string {
	var out []string
	_ = l.cfg.Store.Scan(records.Everything, nil, func(e store.Entry) bool {
		if k, err := records.Read(e); err == nil && e.Counted && e.Index == 0 && !k.GetDeleted() && !slices.Contains(out[max(0, len(out)-1):], e.Name) {
			out = append(out, e.Name)
		}
		return true
	})
	return out
}
