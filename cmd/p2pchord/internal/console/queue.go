package console

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/delivery"
	"github.com/p2pchord/p2pchord/node"
)

const (
	// linesQueued is how many lines may wait for stdout, and how many for stderr.
	linesQueued = 4096
	// settleWithin is how long a command that ends waits for its last lines to be read.
	settleWithin = 2 * time.Second
)

// queues are between a command that keeps running and its output. A full pipe or a stopped terminal
// holds up a goroutine of theirs, and nothing else. stdout doesn't wait for stderr.
type queues struct {
	stdout, stderr *delivery.Queue[string]
	// above, if set, shows a line of stderr above the line that is edited at the prompt.
	above atomic.Pointer[func(string)]
}

// Queue makes everything that the command writes from now on wait in a queue, so that writing never
// blocks. Commands of a prompt write at once, because their results must not be dropped.
func (o *Output) Queue() {
	q := &queues{}
	q.stdout = delivery.New("writing to stdout", linesQueued, func(s string) {
		if q.above.Load() != nil {
			o.writeNow(o.stdout, s) // on the screen of a prompt
			return
		}
		_, err := io.WriteString(o.stdout, s)
		o.noteLost(err)
	}, func(n uint64) string {
		if !o.JSON {
			return ""
		}
		return JSON(node.Event{Time: time.Now(), Kind: "dropped", Text: DroppedText(n)})
	})
	q.stderr = delivery.New("writing to stderr", linesQueued, func(s string) {
		if above := q.above.Load(); above != nil {
			(*above)(strings.TrimSuffix(s, "\n"))
			return
		}
		_, _ = io.WriteString(o.stderr, s) // a lost message doesn't matter
	}, func(n uint64) string { return "p2pchord: " + DroppedText(n) + "\n" })
	o.queued = q
}

// DroppedText says how many lines were dropped.
func DroppedText(n uint64) string {
	return fmt.Sprintf("%s dropped here, because nobody read them in time", textfmt.Count(int(n), "line was", "lines were")) //nolint:gosec // far from the limit
}

// Settle waits a while for the queues to be written. It returns false if nobody reads them.
func (o *Output) Settle() bool {
	return o.queued == nil || o.queued.stderr.Flush(settleWithin) && o.queued.stdout.Flush(settleWithin)
}

// Dropped returns how many lines were dropped.
func (o *Output) Dropped() uint64 {
	return o.queued.stdout.Dropped() + o.queued.stderr.Dropped()
}

// ShowAbove shows lines of stderr with show until stop is called.
func (o *Output) ShowAbove(show func(string)) (stop func()) {
	o.queued.above.Store(&show)
	return func() { o.queued.above.Store(nil) }
}
