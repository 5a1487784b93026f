package demo

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// getOne gets a file through n and compares it, byte for byte, with the one that was put.
func (d *demo) getOne(ctx context.Context, n *demoPeer, f *file) ([]string, error) {
	in, err := os.Open(f.source.Path)
	if err != nil {
		return nil, fault.New(fault.Failed, "can't compare with %s: %w", f.source.Path, fault.Reason(err))
	}
	defer func() { _ = in.Close() }() // it was only read
	file, err := n.client.Get(ctx, f.source.Name, node.GetOptions{})
	if err != nil {
		return nil, fault.New(fault.CodeOf(err), "%s can't get %s: %w", n.name, f.source.Name, err)
	}
	defer func() { _ = file.Close() }() // an error of its end has come through WriteTo
	c := &comparer{want: in}
	got, err := file.WriteTo(c)
	if err != nil {
		return nil, fault.New(fault.CodeOf(err), "%s can't get %s: %w", n.name, f.source.Name, err)
	}
	if got != f.source.Size {
		return nil, fault.New(fault.Integrity, "%s got %d bytes of %s instead of %d", n.name, got, f.source.Name, f.source.Size)
	}
	return file.Sources(), nil
}

// comparer is a writer that compares what it gets with want.
type comparer struct {
	want io.Reader
	buf  []byte
}

var errDiffers = errors.New("the bytes differ from those that were put")
