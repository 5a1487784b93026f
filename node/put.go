package node

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// PutOptions say how a file is stored.
type PutOptions struct {
	// Size is the number of bytes to come, or SizeUnknown. A stream of another size is
	// refused, and the old version stays. The zero value means an empty file.
	Size int64
	// Copies is how many peers shall hold the file, 1 to 8. Default 0: the ring's default.
	Copies int
	// WaitAll waits for every copy, not for the two that make the file safe.
	WaitAll bool
	// Modified is the file's time, default now.
	Modified time.Time
	// Mode is the file's permission bits, by which a reader may give them to its copy. Default 0: not told.
	Mode Mode
	// Progress, if not nil, is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

const (
	// blocksInFlight is how many blocks of one put or get are under way at a time.
	blocksInFlight = 4
	// maxBlocks is how many blocks a file has at most: what fits into a record that a store takes (store.MaxValue).
	maxBlocks = 32_000
	// maxBlockSize is the largest block in bytes.
	maxBlockSize = 32 << 20
)

// Put stores what r holds under name. It returns when owner and predecessor have it
// durably, the file's record last, so that readers see the old version or the new, whole. With an error of kind
// fault.FewerCopies the file is stored and the result valid.
func (o *operations) Put(ctx context.Context, name string, r io.Reader, opt PutOptions) (PutResult, error) {
	if err := checkPut(name, opt); err != nil {
		return PutResult{}, err
	}
	p := &putting{ops: o, name: name, opt: opt, blockSize: blockSizeFor(opt.Size)}
	if p.opt.Modified.IsZero() {
		p.opt.Modified = time.Now()
	}
	if opt.Progress != nil {
		ctx = tellWaits(ctx, p.waits)
	}
	if err := p.reserve(ctx); err != nil {
		return PutResult{}, err
	}
	defer p.memory.Close()
	defer func() { p.first.Free() }()
	if err := p.sendBlocks(ctx, r); err != nil {
		if fault.CodeOf(err) == fault.NoSpace {
			p.retract(ctx)
		}
		return PutResult{}, err
	}
	if err := p.checkSecret(); err != nil {
		return PutResult{}, err
	}
	if err := p.recheck(ctx); err != nil {
		return PutResult{}, err
	}
	res, err := p.commit(ctx)
	if fault.CodeOf(err) == fault.NoSpace {
		p.retract(ctx)
	}
	return res, err
}

func checkPut(name string, opt PutOptions) error {
	if err := protocol.ValidName(name); err != nil {
		return err
	}
	if opt.Copies < 0 || opt.Copies > protocol.MaxCopies {
		return fault.New(fault.Usage, "a file has 1 to %d copies, not %d", protocol.MaxCopies, opt.Copies)
	}
	if opt.Mode > maxMode {
		return fault.New(fault.Usage, "the mode %v has other bits than permissions", opt.Mode)
	}
	if opt.Size > maxBlocks*maxBlockSize {
		return fault.New(fault.NoSpace, "the file has more than %d GiB", int64(maxBlocks)*maxBlockSize>>30)
	}
	return nil
}

// blockSizeFor is DefaultBlockSize, doubled until all blocks fit into one record.
func blockSizeFor(size int64) int {
	b := DefaultBlockSize
	for int64(b)*maxBlocks < size && b < maxBlockSize {
		b *= 2
	}
	return b
}

// putting is one Put under way.
type putting struct {
	ops       *operations
	name      string
	opt       PutOptions
	blockSize int

	whole  blake3sum.Hasher
	size   int64
	memory *membudget.Reservation
	first  *membudget.Buffer // the first block, which goes with the file's record at the end
	hashes []byte            // of all blocks, one after the other

	mu     sync.Mutex
	done   int64
	sent   int64 // of them, what was not there already
	copies int
	path   string
	stored []storedBlock // in the order of their answers, or of their failures
}

// reserve waits for the memory without which the put could not go on: for the first block, which is kept
// until the end, and for one of the others at a time.
func (p *putting) reserve(ctx context.Context) (err error) {
	size, count := p.blockSize, 2
	if p.opt.Size >= 0 && p.opt.Size < int64(size) {
		size, count = int(p.opt.Size)+1, 1 // one byte more shows that there is more
	}
	wait := waitFor(ctx)
	defer wait.end()
	wait.forMemory()
	p.memory, err = p.ops.memory.Reserve(ctx, membudget.User, size, count)
	return p.ops.explain(ctx, err, nil)
}

// sendBlocks reads r to its end and stores every block but the first.
func (p *putting) sendBlocks(ctx context.Context, r io.Reader) error {
	group, ctx := errgroup.WithContext(oneByOne(ctx))
	group.SetLimit(blocksInFlight)
	readErr := p.readBlocks(ctx, r, func(index int, buf *membudget.Buffer, hash [protocol.HashSize]byte) {
		group.Go(func() error {
			release := buf.Free
			if p.ops.hold != nil {
				release = p.ops.hold(hash, buf)
			}
			defer release()
			return contain.Run("putting a block", func() error { return p.sendBlock(ctx, index, buf.Data, hash) })
		})
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return readErr
}

// readBlocks cuts r into blocks and gives all but the first to send, which owns them then.
func (p *putting) readBlocks(ctx context.Context, r io.Reader, send func(int, *membudget.Buffer, [protocol.HashSize]byte)) error {
	for index := 0; ; index++ {
		buf, hash, err := p.readBlock(ctx, r)
		if err != nil {
			return err
		}
		if buf == nil {
			break
		}
		size := len(buf.Data)
		if index >= maxBlocks {
			buf.Free()
			return fault.New(fault.NoSpace, "%q has more than %d blocks of %d MiB; give its size, so that larger blocks can be used", p.name, maxBlocks, p.blockSize>>20)
		}
		p.hashes = append(p.hashes, hash[:]...)
		p.size += int64(size)
		if p.opt.Size >= 0 && p.size > p.opt.Size {
			buf.Free()
			break
		}
		if index == 0 {
			p.first = buf
		} else {
			send(index, buf, hash)
		}
		if size < p.blockSize || ctx.Err() != nil {
			break
		}
	}
	if p.opt.Size >= 0 && p.size != p.opt.Size && ctx.Err() == nil {
		return fault.New(fault.Failed, "%q has changed while it was read: %d bytes were expected, %d came; the old version stays; put it again", p.name, p.opt.Size, p.size)
	}
	return ctx.Err()
}

// readBlock reads the next block, less at the end of the stream, and hashes it for
// itself and for the whole while it comes. The two have nothing in common: a chunk's
// place in its file is part of what BLAKE3 hashes.
func (p *putting) readBlock(ctx context.Context, r io.Reader) (*membudget.Buffer, [protocol.HashSize]byte, error) {
	want := p.blockSize
	if p.opt.Size >= 0 {
		// One byte more than announced shows that there is more.
		want = int(min(int64(want), max(p.opt.Size-p.size, 0)+1))
	}
	buf, err := p.memory.Take(ctx, want)
	if err != nil {
		return nil, [protocol.HashSize]byte{}, err
	}
	n, hash, err := blake3sum.ReadFull(r, buf.Data, func(part []byte) {
		_, _ = p.whole.Write(part) // never fails
	})
	if err != nil && !errors.Is(err, io.EOF) {
		buf.Free()
		return nil, [protocol.HashSize]byte{}, fault.New(fault.Failed, "reading %q: %w", p.name, err)
	}
	if n == 0 {
		buf.Free()
		return nil, [protocol.HashSize]byte{}, nil
	}
	buf.Data = buf.Data[:n]
	return buf, hash, nil
}

// sendBlock stores one later block at its owner.
func (p *putting) sendBlock(ctx context.Context, index int, data []byte, hash [protocol.HashSize]byte) error {
	began := time.Now()
	rec, err := protocol.Sign(p.ops.key, &pb.RecordBody{
		Name: p.name, Index: uint32(index), Clock: protocol.Clock(time.UnixMilli(p.ops.now())), //nolint:gosec // bounded by maxBlocks
		Size: uint64(len(data)), Hash: hash[:], Copies: uint32(p.opt.Copies), //nolint:gosec // 0 to 8
	})
	if err != nil {
		return err
	}
	st, err := p.ops.store(ctx, rec, data, p.opt.WaitAll)
	p.mu.Lock()
	p.stored = append(p.stored, storedBlock{index: index, at: began, rec: rec, known: err == nil && st.GetKnown()})
	p.mu.Unlock()
	if err != nil {
		return err
	}
	p.progress(len(data), st)
	return nil
}

func (p *putting) progress(n int, st *acknowledgement) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += int64(n)
	p.sent += int64(st.sent)
	p.copies, p.path = int(st.GetCopies()), st.path
	if p.opt.Progress != nil {
		p.opt.Progress(Progress{Done: p.done, Total: p.opt.Size, Copies: p.copies, Path: p.path})
	}
}

// waits tells what the put waits for.
func (p *putting) waits(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opt.Progress(Progress{Done: p.done, Total: p.opt.Size, Copies: p.copies, Path: p.path, Waits: what})
}

// commit stores the file's record with its first block: that makes the new version the current one.
func (p *putting) commit(ctx context.Context) (PutResult, error) {
	whole := p.whole.Sum()
	sum := whole[:]
	body := &pb.RecordBody{
		Name: p.name, Size: uint64(p.size), Hash: sum, BlockSize: uint32(p.blockSize), Blocks: p.hashes, //nolint:gosec // not negative
		Copies: uint32(p.opt.Copies), Mode: uint32(p.opt.Mode), //nolint:gosec // 0 to 8
	}
	protocol.SetModified(body, p.opt.Modified)
	first := p.first.Bytes()
	if p.first != nil && p.ops.hold != nil {
		defer p.ops.hold([protocol.HashSize]byte(p.hashes), p.first)()
		p.first = nil
	}
	st, version, err := p.ops.write(ctx, body, first, p.opt.WaitAll, nil)
	if err != nil {
		return PutResult{}, err
	}
	p.progress(len(first), st)
	wanted := int(st.GetAsked())
	res := PutResult{
		Name: p.name, Key: uint16(protocol.Place(p.name, 0)), Size: p.size, Hash: hex.EncodeToString(sum),
		Version: versionText(version), Copies: int(st.GetCopies()), Owner: peer.ID(st.GetOwner().GetId()).String(),
		Wanted: wanted, Possible: int(st.GetWanted()), Sent: p.sent,
	}
	short := res.Possible
	if p.opt.WaitAll {
		short = res.Copies
	}
	if short < wanted && (p.opt.Copies > 0 || p.opt.WaitAll) {
		return res, fault.New(fault.FewerCopies, "%q is stored, with %d of the %d copies asked for: the ring has too few peers that can be reached: more come by themselves when there are more peers", p.name, short, wanted)
	}
	return res, nil
}

// acknowledgement is what an owner says when a record is stored.
type acknowledgement struct {
	*pb.Stored
	path string
	sent int // bytes that had to be sent
}

// missing are the later blocks that are held nowhere, by index.
func (a *acknowledgement) missing() []uint32 {
	if a == nil || a.Stored == nil {
		return nil
	}
	return a.GetMissing()
}

// store puts a signed record, and its bytes, at its owner.
func (o *operations) store(ctx context.Context, rec *pb.Record, data []byte, waitAll bool) (*acknowledgement, error) {
	parsed, err := protocol.VerifyRecord(rec)
	if err != nil {
		return nil, err
	}
	var out *acknowledgement
	err = o.atOwner(ctx, parsed.Key(), func(ctx context.Context, to peer.ID) error {
		r, err := o.call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{Record: rec, WaitAll: waitAll}}}, data)
		if r != nil {
			defer r.Close()
			if r.GetStored().GetCurrent() == nil {
				err = blameClock(err, r.GetTimeMs())
			}
			out = &acknowledgement{Stored: r.GetStored(), path: pathOf(r.Relayed), sent: r.Sent}
		}
		return err
	})
	return out, err
}

func pathOf(relayed bool) string {
	if relayed {
		return PathRelayed
	}
	return PathDirect
}

// write gives body a version that replaces the current one, signs it and stores it. The first
// attempt assumes that there is none; an owner that knows better says which to
// name. An attempt that may have been carried out is repeated with the same record, so
// that one write never makes two versions.
func (o *operations) write(ctx context.Context, body *pb.RecordBody, data []byte, waitAll bool, replaced *pb.RecordBody) (*acknowledgement, replica.Version, error) {
	const attempts = 64 // each failed one means that another writer was faster
	for range attempts {
		now := o.nextClock(0)
		body.Ancestors, body.Floor = nil, 0
		if replaced != nil {
			cur := protocol.Lineage(replaced)
			now = o.nextClock(cur.Version.Clock)
			next := replica.Replace(cur, replica.Version{})
			body.Floor = next.Floor
			for _, a := range next.Ancestors {
				body.Ancestors = append(body.Ancestors, &pb.Version{Clock: a.Clock, Writer: []byte(a.Writer)})
			}
		}
		body.Clock = now
		rec, err := protocol.Sign(o.key, body)
		if err != nil {
			return nil, replica.Version{}, err
		}
		st, err := o.store(ctx, rec, data, waitAll)
		if err == nil {
			return st, replica.Version{Clock: body.GetClock(), Writer: string(o.id)}, nil
		}
		if fault.CodeOf(err) == fault.NotAllowed && len(st.missing()) > 0 {
			return nil, replica.Version{}, fault.New(fault.TryAgain, "%d blocks of %q have gone since they were stored, so it is not stored; put it again, and only what is missing is sent", len(st.missing()), body.GetName())
		}
		if fault.CodeOf(err) != fault.NotAllowed || st == nil || st.GetCurrent() == nil {
			return nil, replica.Version{}, err
		}
		current, verr := protocol.VerifyRecord(st.GetCurrent())
		if verr != nil {
			return nil, replica.Version{}, verr
		}
		replaced = current.RecordBody
	}
	return nil, replica.Version{}, fault.New(fault.TryAgain, "others write %q all the time; try again", body.GetName())
}
