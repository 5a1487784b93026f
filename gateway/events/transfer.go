package events

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/node"
)

// Transfer is the state of a put or a get.
type Transfer struct {
	Time      time.Time    `json:"time"`
	ID        int          `json:"id"` // of this transfer, as long as the node runs
	Operation string       `json:"operation"`
	Name      string       `json:"name"`
	State     string       `json:"state"` // "running", "done" or "failed"
	Done      int64        `json:"done"`
	Total     int64        `json:"total"` // -1 while it isn't known
	Copies    int          `json:"copies"`
	Path      string       `json:"path"` // "direct", "relayed" or not known yet
	Error     *api.Problem `json:"error,omitempty"`
}

// Of returns p as a peer whose puts and gets are published.
func (h *Hub) Of(p api.Peer) api.Peer { return publishingPeer{p, h} }

type publishingPeer struct {
	api.Peer
	hub *Hub
}

func (p publishingPeer) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	tr := p.hub.begin("put", name, o.Size)
	o.Progress = tr.before(o.Progress)
	res, err := p.Peer.Put(ctx, name, r, o)
	if api.Stored(err) {
		tr.end(node.Progress{Done: res.Size, Total: res.Size, Copies: res.Copies}, nil)
	} else {
		tr.end(node.Progress{}, err)
	}
	return res, err
}

func (p publishingPeer) Get(ctx context.Context, name string, o node.GetOptions) (api.File, error) {
	tr := p.hub.begin("get", name, node.SizeUnknown)
	o.Progress = tr.before(o.Progress)
	f, err := p.Peer.Get(ctx, name, o)
	if err != nil {
		tr.end(node.Progress{}, err)
		return nil, err
	}
	return api.ObserveEnd(f, func(whole bool, err error) {
		if err == nil && !whole {
			err = context.Canceled // the reader stopped
		}
		tr.end(node.Progress{}, err)
	}), nil
}

// transfer publishes the states of one put or get.
type transfer struct {
	hub *Hub
	key string

	mu    sync.Mutex
	state Transfer
	last  time.Time // of the last publication
}

func (h *Hub) begin(operation, name string, total int64) *transfer {
	id := h.id()
	t := &transfer{hub: h, key: "transfer/" + strconv.Itoa(id)}
	t.state = Transfer{ID: id, Operation: operation, Name: name, State: "running", Total: total}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.publish()
	return t
}

// publish is called with the lock held.
func (t *transfer) publish() {
	t.last = time.Now()
	t.state.Time = t.last
	t.hub.publish(t.key, Event{TopicTransfer, t.state})
}

// before returns a function that publishes the progress and then calls next, if that isn't nil.
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
	if t.state.State == "running" && time.Since(t.last) >= api.ProgressInterval {
		t.publish()
	}
}

// end publishes how the transfer ended. last counts only if it has bytes.
func (t *transfer) end(last node.Progress, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last.Done > 0 || last.Copies > 0 {
		t.state.Done, t.state.Total, t.state.Copies = last.Done, last.Total, last.Copies
	}
	t.state.State = "done"
	if err != nil {
		p := api.ProblemOf(err)
		t.state.State, t.state.Error = "failed", &p
	}
	t.publish()
}
