package node

import (
	"context"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/direct"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
)

// Save writes the whole file to dst, each block where it belongs as soon as it has been
// verified. What dst holds of it already, from an earlier Save that was interrupted,
// is found by its hashes and is not fetched again. When Save fails, dst keeps what has come.
func (f *File) Save(dst *os.File) error {
	st, err := dst.Stat()
	if err != nil {
		return err
	}
	size := int64(f.rec.GetSize()) //nolint:gosec // checked by VerifyRecord
	group, ctx := errgroup.WithContext(f.ctx)
	group.SetLimit(blocksInFlight)
	for i := range f.rec.BlockCount() {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			return contain.Run("saving a block", func() error { return f.saveBlock(ctx, dst, st.Size(), i) })
		})
	}
	err = group.Wait()
	switch {
	case err != nil:
		return err
	case f.ctx.Err() != nil:
		return fault.New(fault.Interrupted, "interrupted: %w", f.ctx.Err())
	}
	now, err := dst.Stat()
	if err == nil && now.Size() != size { // what was there is longer, or the file ends with a hole
		err = dst.Truncate(size)
	}
	return err
}

// saveBlock gets block i into its place of dst, unless it stands there already; had is what dst had at the beginning.
func (f *File) saveBlock(ctx context.Context, dst *os.File, had int64, i int) error {
	hash, size := f.rec.BlockAt(i)
	at := int64(i) * int64(f.rec.GetBlockSize())
	if at+int64(size) <= had {
		buf, err := f.ops.memory.Take(ctx, membudget.User, size)
		if err != nil {
			return f.ops.explain(ctx, err, nil)
		}
		_, err = dst.ReadAt(buf.Data, at)
		there := err == nil && blake3sum.Sum(buf.Data) == hash
		buf.Free()
		if there {
			f.took(fetched{}, size)
			return nil
		}
	}
	room, err := f.roomFor(ctx, i)
	if err != nil {
		return err
	}
	b := f.fetch(ctx, i, room)
	if b.err != nil {
		return b.err
	}
	defer b.data.Free()
	if err := f.writeBlock(dst, b.data.Data, at, had); err != nil {
		return err
	}
	f.took(b, size)
	return nil
}

// A disk that has taken longer than slowDisk for each MiB of the first directTrial bytes
// gets the rest by way of the system's cache, in its own time.
const (
	slowDisk    = 8 * time.Millisecond
	directTrial = 64 << 20
)

// write puts data into its place of dst, past the system's cache unless the disk is slow:
// where memory is in use, finding room in the cache takes longer than all the rest.
func (f *File) write(dst *os.File, data []byte, at int64) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.direct >= directTrial && f.writes/time.Duration(f.direct>>20) > slowDisk {
		_, err := dst.WriteAt(data, at)
		return err
	}
	began := time.Now()
	n, err := direct.WriteAt(dst, data, at)
	f.direct += int64(n)
	f.writes += time.Since(began)
	return err
}
