package gateway

import (
	"context"
	"io"
	"iter"
	"os"
	"sync"
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
	return &meteredFile{File: f, m: p.m, began: began}, nil
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

// meteredFile is a file being fetched; the get ends when it is closed.
type meteredFile struct {
	File
	m     *Metrics
	began time.Time
	once  sync.Once
	whole bool  // its end has been read
	err   error // the first failure
}

func (f *meteredFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if err != nil {
		f.ended(err)
	}
	return n, err
}

func (f *meteredFile) WriteTo(w io.Writer) (int64, error) {
	n, err := f.File.WriteTo(w)
	f.ended(err)
	return n, err
}

// Save writes the file to dst as its own Save does, or as WriteTo where it has none.
func (f *meteredFile) Save(dst *os.File) error {
	var err error
	if s, ok := f.File.(saver); ok {
		err = s.Save(dst)
	} else if err = dst.Truncate(0); err == nil {
		_, err = f.File.WriteTo(dst)
	}
	f.ended(err)
	return err
}

// saver is a File that writes itself to a file faster, or from where it stopped.
type saver interface{ Save(dst *os.File) error }

func (f *meteredFile) ended(err error) {
	switch {
	case err == nil || err == io.EOF: //nolint:errorlint // a reader's end is io.EOF itself
		f.whole = true
	case f.err == nil:
		f.err = err
	}
}

// Close ends the get. One of which the end was not wanted has no outcome.
func (f *meteredFile) Close() error {
	f.once.Do(func() {
		if f.whole || f.err != nil {
			f.m.done("get", f.began, f.err)
		}
		if f.whole && f.err == nil {
			f.m.bytes.WithLabelValues("get").Add(float64(f.Info().Size))
		}
	})
	return f.File.Close()
}
