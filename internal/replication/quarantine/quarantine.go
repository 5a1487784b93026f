package quarantine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"

	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/replication/clocks"
	"github.com/p2pchord/p2pchord/internal/replication/inventory"
	"github.com/p2pchord/p2pchord/internal/replication/records"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
	"github.com/p2pchord/p2pchord/store"
)

// People set the level of these lines under the name of the package that they use.
var log = golog.Logger("node")

// Config is what a Quarantine is made of. Every field must be set.
type Config struct {
	Self   ring.Position
	Copies int           // of a file whose writer asks for no number
	Grace  time.Duration // how long a copy counts that no owner has attested; see replica.Grace

	Env    env.Env
	Clocks *clocks.Clocks
	Held   *inventory.Inventory
	Store  Store

	// Remember makes durable that there are records in quarantine.
	Remember func() error
	// Pull gets records from a peer and stores them.
	Pull func(ctx context.Context, from ring.Position, items []*pb.Item) error
	// Event is told what a person may want to know.
	Event func(kind, text string)
	// Counts reports whether the version of a file with this stamp counts by its writer: in an open
	// ring every one does.
	Counts func(stamp string) bool
}

// Store keeps records; see package store.
type Store interface {
	Update(ctx context.Context, at store.Place, fn func([]store.Entry) ([]store.Entry, error), with ...store.Staged) ([]store.Entry, error)
	Scan(span store.Span, after *store.Entry, fn func(store.Entry) bool) error
}

// Quarantine knows what of this node's copies is attested, and which of them don't count. It is
// safe for concurrent use.
type Quarantine struct {
	cfg Config

	mu       sync.Mutex
	attested Attested
	// ringStopped is when the ring last stopped, as others know; 0 if nobody does.
	ringStopped int64
	// quarantined says that there are copies in quarantine: entries of the store that do not count.
	quarantined bool
	// passed says that the copies have been looked through since they were last confirmed.
	passed bool
}

// New returns a Quarantine that knows nothing until Recall.
func New(cfg Config) *Quarantine { return &Quarantine{cfg: cfg} }

// Recall takes in what an earlier life has left, before anything else. A new node was first started
// now.
func (q *Quarantine) Recall(a Attested, quarantined bool) {
	if a.FirstStart == 0 {
		a.FirstStart = q.cfg.Clocks.Now()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.attested, q.quarantined = a, quarantined
	if a.Unbroken == 0 && a.Stopped == 0 && a.Confirmed > 0 { // an older build has confirmed it
		q.attested.Unbroken = a.FirstStart
	}
	q.noticeStop(q.cfg.Clocks.Now())
}

func (q *Quarantine) grace() replica.Grace { return replica.Grace(q.cfg.Grace.Milliseconds()) }

// Fill quarantines the records of files that no synced owner has attested for the grace
// period. They do not count until another peer has them too. See replica.Grace.Quarantined.
func (q *Quarantine) Fill(ctx context.Context) error {
	since, now := q.Since(), q.cfg.Clocks.Now()
	if since >= now-int64(q.grace()) {
		return nil
	}
	if q.passOnce() {
		return nil
	}
	var old []store.Entry
	err := q.cfg.Store.Scan(records.Everything, nil, func(e store.Entry) bool {
		v, err := replica.ParseStamp(e.Stamp)
		if e.Index == 0 && e.Counted && err == nil && q.grace().Quarantined(v, since, now) {
			e.Value = nil // it isn't needed for this
			old = append(old, e)
		}
		return true
	})
	if err != nil || len(old) == 0 {
		return err
	}
	q.setAny()
	if err := q.cfg.Remember(); err != nil {
		return err
	}
	q.cfg.Event("set_aside", fmt.Sprintf("%d records that no other peer has confirmed for %s are set aside until one has them too", len(old), q.cfg.Grace))
	return q.count(ctx, old, false)
}

// countsAtOnce is how many records are changed at a time: one commit of the store for all.
const countsAtOnce = 64

// count takes entries out of quarantine, or puts them into it.
func (q *Quarantine) count(ctx context.Context, entries []store.Entry, counted bool) error {
	group, _ := env.NewErrGroup(ctx, q.cfg.Env, countsAtOnce)
	for _, e := range entries {
		group.Go("changing what counts", func(ctx context.Context) error {
			_, err := q.cfg.Store.Update(ctx, e.Place, func(es []store.Entry) ([]store.Entry, error) {
				i := slices.IndexFunc(es, func(o store.Entry) bool { return o.Stamp == e.Stamp })
				if i < 0 {
					return es, nil
				}
				es[i].Counted = counted
				if !counted {
					return es, nil
				}
				in, err := records.Read(es[i])
				if err != nil {
					return nil, err
				}
				current, quarantined, err := records.Split(slices.Delete(es, i, i+1))
				return records.Merge(current, quarantined, in), err
			})
			return err
		})
	}
	return group.Wait()
}
