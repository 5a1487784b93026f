package transfer

import (
	"errors"
	"io"
	"sync"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Read reads verified bytes.
func (f *File) Read(p []byte) (int, error) {
	for len(f.cur) == 0 {
		if err := f.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.cur)
	f.cur = f.cur[n:]
	return n, nil
}

// WriteTo writes all that is left to w, in order.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		for len(f.cur) == 0 {
			if err := f.advance(); err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return total, err
			}
		}
		n, err := w.Write(f.cur)
		total += int64(n)
		f.cur = f.cur[n:]
		if err != nil {
			return total, err
		}
	}
}

// advance waits for the next block; io.EOF after the last one.
func (f *File) advance() error {
	if f.err == nil {
		f.err = f.take()
	}
	return f.err
}

func (f *File) take() error {
	if f.held != nil {
		f.held.Free()
		f.held = nil
		if f.slots != nil {
			<-f.slots
		}
	}
	if f.next >= f.last() {
		if f.decrypter != nil {
			if err := f.decrypter.check(); err != nil {
				return err
			}
		}
		return io.EOF
	}
	if f.rec.BlockCount() == 1 && f.first != nil { // nothing has to be fetched
		f.use(f.fetch(f.ctx, 0, nil))
		return nil
	}
	if f.blocks == nil {
		f.start()
	}
	var b fetched
	select {
	case b = <-f.blocks[f.next]:
	case <-f.ctx.Done():
		return fault.New(fault.Interrupted, "interrupted: %w", f.ctx.Err())
	}
	if b.err != nil {
		return b.err
	}
	f.use(b)
	return nil
}

// use makes a block, verified, the present one.
func (f *File) use(b fetched) {
	f.cur, f.held = f.wanted(f.next, b.data.Bytes()), b.data
	f.next++
	f.used(b.from, b.path, len(f.cur))
}

// start begins to fetch the blocks in order: a few at a time, and not farther ahead of the reader.
func (f *File) start() {
	f.blocks = make([]chan fetched, f.rec.BlockCount())
	for i := range f.blocks {
		f.blocks[i] = make(chan fetched, 1)
	}
	f.slots = make(chan struct{}, blocksInFlight)
	first := f.next
	f.wg.Go(func() {
		var wg sync.WaitGroup
		defer wg.Wait()
		for i := first; i < f.last(); i++ {
			select {
			case f.slots <- struct{}{}:
			case <-f.ctx.Done():
				return
			}
			// In order, so that no block waits for the memory of one that the reader needs later.
			memory, err := f.reserve(f.ctx, i)
			if err != nil {
				f.blocks[i] <- fetched{err: err}
				return
			}
			contain.Go(&wg, "fetching a block", func() { f.blocks[i] <- f.fetch(f.ctx, i, memory) }, func() { f.blocks[i] <- fetched{err: contain.ErrPanic} })
		}
	})
}

// last is the number of the block behind the last one that is read.
func (f *File) last() int {
	size := int64(f.rec.GetBlockSize())
	if size == 0 || f.end == 0 {
		return 0
	}
	return int((f.end + size - 1) / size)
}

// wanted returns the bytes of block i that were asked for.
func (f *File) wanted(i int, data []byte) []byte {
	at := int64(i) * int64(f.rec.GetBlockSize())
	from := min(max(f.begin-at, 0), int64(len(data)))
	to := min(max(f.end-at, from), int64(len(data)))
	return data[from:to]
}
