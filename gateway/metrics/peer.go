package metrics

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/node"
)

// meteredPeer is a peer whose operations are counted.
type meteredPeer struct {
	api.Peer
	m *Metrics
}

// Of returns p as a peer whose operations are counted, and adds the state of p to the metrics. It
// may be called only once.
func (m *Metrics) Of(p api.Peer) api.Peer {
	m.registry.MustRegister(state{p})
	return meteredPeer{p, m}
}

func (p meteredPeer) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	began := time.Now()
	res, err := p.Peer.Put(ctx, name, r, o)
	p.m.done("put", began, err)
	if api.Stored(err) {
		p.m.bytes.WithLabelValues("put").Add(float64(res.Size))
	}
	return res, err
}

func (p meteredPeer) Get(ctx context.Context, name string, o node.GetOptions) (api.File, error) {
	began := time.Now()
	f, err := p.Peer.Get(ctx, name, o)
	if err != nil {
		p.m.done("get", began, err)
		return nil, err
	}
	return api.ObserveEnd(f, func(whole bool, err error) {
		if whole || err != nil { // a get that the reader ended early has no outcome
			p.m.done("get", began, err)
		}
		if whole && err == nil {
			begin, end, _ := o.Within(f.Info().Size) // it was in range when it was opened
			p.m.bytes.WithLabelValues("get").Add(float64(end - begin))
		}
	}), nil
}

func (p meteredPeer) List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error] {
	return func(yield func(node.FileInfo, error) bool) {
		began := time.Now()
		var failed error
		defer func() { p.m.done("list", began, failed) }()
		for f, err := range p.Peer.List(ctx, prefix) {
			failed = err
			if !yield(f, err) {
				return
			}
		}
	}
}

func (p meteredPeer) Stat(ctx context.Context, name string) (node.FileStat, error) {
	began := time.Now()
	s, err := p.Peer.Stat(ctx, name)
	p.m.done("stat", began, err)
	return s, err
}

func (p meteredPeer) Remove(ctx context.Context, name string) error {
	began := time.Now()
	err := p.Peer.Remove(ctx, name)
	p.m.done("remove", began, err)
	return err
}

func (p meteredPeer) Lookup(ctx context.Context, name string) (node.Lookup, error) {
	began := time.Now()
	l, err := p.Peer.Lookup(ctx, name)
	p.m.done("lookup", began, err)
	return l, err
}
