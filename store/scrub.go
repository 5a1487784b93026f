package store

import (
	"context"
	"errors"
	"time"

	"github.com/p2pchord/p2pchord/store/internal/schema"
)

// setAside is called with a block that failed its check. It checks once more, because the block may
// have been replaced meanwhile, and returns the bytes if they are good. Otherwise the block is
// noted as missing, then its file is moved away.
func (s *Store) setAside(h Hash, buf []byte) ([]byte, error) {
	defer s.wakeReclaim() // after the lock is given back
	s.hashes.Lock(h)
	defer s.hashes.Unlock(h)
	b, here, err := schema.BlockOf(s.db, h)
	if err != nil {
		return nil, wrapRead(err)
	}
	if !here {
		return nil, ErrNotHere
	}
	data, bad := s.load1(h, b, buf, false)
	if bad == nil || !errors.Is(bad, ErrCorrupt) {
		return data, wrapRead(bad)
	}
	err = s.commit(len(h), func(t *tx) error {
		b, here := t.block(h)
		if t.err == nil && here {
			t.remove(h, b)
			t.settle(h, nil, t.named(h))
		}
		return t.err
	})
	if err == nil && b.Kind == schema.InFile {
		s.files.KeepBad(h)
	}
	if s.opts.OnBad != nil {
		s.opts.OnBad(h, bad)
	}
	return nil, bad
}

// Verify re-reads every block now, calling report for each bad one, which is set aside.
// It returns how many blocks it read, good and bad, and how many bytes they have.
func (s *Store) Verify(ctx context.Context, report func(Hash, error)) (blocks int, bytes int64, err error) {
	if !s.calls.Enter() {
		return 0, 0, ErrClosed
	}
	defer s.calls.Leave()
	var buf []byte
	var at Hash
	for {
		h, b, ok, err := s.blockFrom(at)
		if err != nil || !ok {
			return blocks, bytes, wrapRead(err)
		}
		if err := ctx.Err(); err != nil {
			return blocks, bytes, err
		}
		if s.calls.IsClosed() {
			return blocks, bytes, ErrClosed
		}
		if buf, err = s.check(h, buf); errors.Is(err, ErrCorrupt) {
			report(h, err)
		} else if err != nil && !errors.Is(err, ErrNotHere) {
			return blocks, bytes, err
		}
		if !errors.Is(err, ErrNotHere) {
			blocks++
			bytes += int64(b.Size)
		}
		if at, ok = next(h); !ok {
			return blocks, bytes, nil
		}
	}
}

// check reads one block, and returns the buffer for the next.
func (s *Store) check(h Hash, buf []byte) ([]byte, error) {
	data, err := s.read(h, buf, false)
	if err != nil {
		return buf, err
	}
	return data, nil
}

// blockFrom returns the first block at or after a hash.
func (s *Store) blockFrom(at Hash) (h Hash, b schema.Block, ok bool, err error) {
	err = schema.Each(s.db, schema.HashKey(schema.TableBlock, at), []byte{schema.TableBlock + 1}, func(k, v []byte) (bool, error) {
		h, ok = Hash(k[1:]), true
		var err error
		b, err = schema.DecodeBlock(v)
		return false, err
	})
	return h, b, ok, err
}

// next returns the hash after h; false after the last.
func next(h Hash) (Hash, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i]++; h[i] != 0 {
			return h, true
		}
	}
	return Hash{}, false
}

// scrubLoop reads every block once in ScrubPeriod, in the order of their hashes, so that none waits
// much longer than the period, whatever is added. After a restart it continues where it was.
func (s *Store) scrubLoop(ctx context.Context) {
	var buf []byte
	at := s.scrubbedTo()
	for n := 1; ; n++ {
		h, b, ok, err := s.blockFrom(at)
		if s.opts.wait(ctx, s.scrubPause(b)) != nil {
			return
		}
		if err != nil || !ok {
			at = Hash{}
			continue
		}
		buf, _ = s.check(h, buf) // setAside reports bad blocks to OnBad
		if at, ok = next(h); !ok {
			at = Hash{}
		}
		if n%64 == 0 || b.Kind == schema.InFile {
			// If it is lost, a few blocks are read again.
			_ = s.commit(len(at), func(t *tx) error {
				t.set(schema.KeyScrub, at[:])
				return t.err
			})
		}
	}
}

func (s *Store) scrubbedTo() (at Hash) {
	if v, ok, err := schema.Get(s.db, schema.KeyScrub); err == nil && ok && len(v) == len(at) {
		at = Hash(v)
	}
	return at
}

// scrubPause is the share of the period for one block, in proportion to its bytes: at most a
// minute, so that a nearly empty store notices new blocks soon.
func (s *Store) scrubPause(b schema.Block) time.Duration {
	c := s.counted()
	const each = 4 << 10 // the cost of a block in addition to its bytes
	all := c.Used + c.Blocks*each
	if all <= 0 {
		return time.Minute
	}
	part := float64(int64(b.Size)+each) / float64(all)
	return min(time.Duration(part*float64(s.opts.ScrubPeriod)), time.Minute)
}
