package gateway

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// Transfer is the state of a put or a get.
type Transfer struct {
	Time      time.Time `json:"time"`
	ID        int       `json:"id"` // of this transfer, as long as the node runs
	Operation string    `json:"operation"`
	Name      string    `json:"name"`
	State     string    `json:"state"` // "running", "done" or "failed"
	Done      int64     `json:"done"`
	Total     int64     `json:"total"` // -1 while it isn't known
	Copies    int       `json:"copies"`
	Path      string    `json:"path"` // "direct", "relayed" or not known yet
	Error     *Problem  `json:"error,omitempty"`
}

// Of returns p with its puts and gets told of.
func (e *Events) Of(p Peer) Peer { return told{p, e} }

type told struct {
	Peer
	events *Events
}

func (t told) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	tr := t.events.begin("put", name, o.Size)
	o.Progress = tr.before(o.Progress)
	res, err := t.Peer.Put(ctx, name, r, o)
	if stored(err) {
		tr.end(node.Progress{Done: res.Size, Total: res.Size, Copies: res.Copies}, nil)
	} else {
		tr.end(node.Progress{}, err)
	}
	return res, err
}

func (t told) Get(ctx context.Context, name string, o node.GetOptions) (File, error) {
	tr := t.events.begin("get", name, node.SizeUnknown)
	o.Progress = tr.before(o.Progress)
	f, err := t.Peer.Get(ctx, name, o)
	if err != nil {
		tr.end(node.Progress{}, err)
		return nil, err
	}
	return &endedFile{File: f, end: func(whole bool, err error) {
		if err == nil && !whole {
			err = context.Canceled // the reader wanted no more
		}
		tr.end(node.Progress{}, err)
	}}, nil
}

// transfer tells of one put or get.
type transfer struct {
	events *Events
	key    string
	mu     sync.Mutex
	state  Transfer
	last   time.Time
}

func (e *Events) begin(operation, name string, total int64) *transfer {
	id := e.id()
	t := &transfer{events: e, key: "transfer/" + strconv.Itoa(id)}
	t.state = Transfer{ID: id, Operation: operation, Name: name, State: "running", Total: total}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell()
	return t
}

// tell is called with the lock held.
func (t *transfer) tell() {
	t.last = time.Now()
	t.state.Time = t.last
	t.events.tell(t.key, event{topicTransfer, t.state})
}

// before returns a report of progress that tells of it, and then calls next, if there is one.
func (t *transfer) before(next func(node.Progress)) func(node.Progress) {
	return func(p node.Progress) {
		t.moved(p)
		if next != nil {
			next(p)
		}
	}
}

func (t *transfer) moved(p node.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Done, t.state.Copies = p.Done, p.Copies
	if p.Total >= 0 {
		t.state.Total = p.Total
	}
	if p.Path != "" {
		t.state.Path = p.Path
	}
	if t.state.State == "running" && time.Since(t.last) >= progressEvery {
		t.tell()
	}
}

// end tells how it ended. last counts when it has bytes: else what was told before.
func (t *transfer) end(last node.Progress, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last.Done > 0 || last.Copies > 0 {
		t.state.Done, t.state.Total, t.state.Copies = last.Done, last.Total, last.Copies
	}
	t.state.State = "done"
	if err != nil {
		p := ProblemOf(err)
		t.state.State, t.state.Error = "failed", &p
	}
	t.tell()
}
