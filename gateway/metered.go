package gateway

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

// metered is a peer whose operations are counted.
type metered struct {
	Peer
	m *Metrics
}

// Of returns p with its operations counted, and adds the state of p to the metrics.
// It may be called once.
func (m *Metrics) Of(p Peer) Peer {
	m.registry.MustRegister(state{p})
	return metered{p, m}
}

func (p metered) Put(ctx context.Context, name string, r io.Reader, o node.PutOptions) (node.PutResult, error) {
	began := time.Now()
	res, err := p.Peer.Put(ctx, name, r, o)
	p.m.done("put", began, err)
	if stored(err) {
		p.m.bytes.WithLabelValues("put").Add(float64(res.Size))
	}
	return res, err
}

func (p metered) Get(ctx context.Context, name string, o node.GetOptions) (File, error) {
	began := time.Now()
	f, err := p.Peer.Get(ctx, name, o)
	if err != nil {
		p.m.done("get", began, err)
		return nil, err
	}
	return &endedFile{File: f, end: func(whole bool, err error) {
		if whole || err != nil { // one of which the end was not wanted has no outcome
			p.m.done("get", began, err)
		}
		if whole && err == nil {
			begin, end, _ := o.Within(f.Info().Size) // it was within when it was opened
			p.m.bytes.WithLabelValues("get").Add(float64(end - begin))
		}
	}}, nil
}

func (p metered) List(ctx context.Context, prefix string) iter.Seq2[node.FileInfo, error] {
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

func (p metered) Stat(ctx context.Context, name string) (node.FileStat, error) {
	began := time.Now()
	s, err := p.Peer.Stat(ctx, name)
	p.m.done("stat", began, err)
	return s, err
}

func (p metered) Remove(ctx context.Context, name string) error {
	began := time.Now()
	err := p.Peer.Remove(ctx, name)
	p.m.done("remove", began, err)
	return err
}

func (p metered) Lookup(ctx context.Context, name string) (node.Lookup, error) {
	began := time.Now()
	l, err := p.Peer.Lookup(ctx, name)
	p.m.done("lookup", began, err)
	return l, err
}
