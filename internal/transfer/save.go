package transfer

import (
	"bytes"
	"context"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/direct"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
)

// Save writes the whole file to dst, each block to its place as soon as it has been verified. What
// dst has of it already, from an earlier Save that was interrupted, is found by its hashes and is
// not fetched again. If Save fails, dst keeps what has come.
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
	if f.decrypter != nil {
		if err := f.decrypter.check(); err != nil {
			return err
		}
	}
	now, err := dst.Stat()
	if err == nil && now.Size() != size { // what was there is longer, or the file ends with a hole
		err = dst.Truncate(size)
	}
	return err
}

// saveBlock writes block i to its place in dst, unless it is there already. had is the size of dst
// at the beginning.
func (f *File) saveBlock(ctx context.Context, dst *os.File, had int64, i int) error {
	hash, size := f.rec.BlockAt(i)
	at := int64(i) * int64(f.rec.GetBlockSize())
	if at+int64(size) <= had {
		buf, err := f.client.cfg.Memory.Take(ctx, membudget.User, size)
		if err != nil {
			return request.Explain(ctx, err, nil)
		}
		_, err = dst.ReadAt(buf.Data, at)
		there := err == nil && f.isBlock(i, hash, buf.Data)
		buf.Free()
		if there {
			f.used("", "", size)
			return nil
		}
	}
	memory, err := f.reserve(ctx, i)
	if err != nil {
		return err
	}
	b := f.fetch(ctx, i, memory)
	if b.err != nil {
		return b.err
	}
	defer b.data.Free()
	if err := f.writeBlock(dst, b.data.Data, at, had); err != nil {
		return err
	}
	f.used(b.from, b.path, size)
	return nil
}

// isBlock reports whether data is block i, whose stored bytes have a hash.
func (f *File) isBlock(i int, hash [blake3sum.Size]byte, data []byte) bool {
	if f.decrypter != nil {
		return f.decrypter.has(i, data)
	}
	return blake3sum.Sum(data) == hash
}

// holeSize is how many zero bytes, where they could be written in one piece, become a hole.
const holeSize = 64 << 10

var zeros [holeSize]byte

// writeBlock writes a block to its place in dst, which had so many bytes at the beginning. Behind
// those it leaves zeros out, so that a sparse file is sparse again.
func (f *File) writeBlock(dst *os.File, data []byte, at, had int64) error {
	if at < had {
		return f.write(dst, data, at)
	}
	for len(data) > 0 {
		n := leading(data, true)
		data, at = data[n:], at+int64(n)
		if n = leading(data, false); n == 0 {
			continue
		}
		if err := f.write(dst, data[:n], at); err != nil {
			return err
		}
		data, at = data[n:], at+int64(n)
	}
	return nil
}

// leading is how many bytes data begins with that are zeros, or that are not, in pieces of
// holeSize.
func leading(data []byte, zero bool) int {
	n := 0
	for n < len(data) {
		piece := data[n:min(n+holeSize, len(data))]
		if bytes.Equal(piece, zeros[:len(piece)]) != zero {
			break
		}
		n += len(piece)
	}
	return n
}

// If a disk has taken longer than slowDisk for each MiB of the first directTrial bytes, the rest
// goes through the system's cache.
const (
	slowDisk    = 8 * time.Millisecond
	directTrial = 64 << 20
)

// write writes data to its place in dst, past the system's cache unless the disk is slow: on a
// machine whose memory is in use, finding room in the cache takes longer than all the rest.
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
