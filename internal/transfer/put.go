package transfer

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
	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

const (
	// blocksInFlight is how many blocks of one put or get are under way at a time.
	blocksInFlight = 4
	// maxBlocks is how many blocks a file has at most: what fits into a record that a store takes
	// (store.MaxValue).
	maxBlocks = 32_000
	// maxSealedBlocks is the same for an encrypted file, whose record has a salt for each block.
	maxSealedBlocks = 21_000
	// maxBlockSize is the largest block in bytes.
	maxBlockSize = 32 << 20
)

// Put stores what r holds under name. It returns when owner and predecessor have it durably, the
// file's record last, so that readers see the old version or the new one, whole. With an error of
// the kind fault.FewerCopies the file is stored and the result valid.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, opt PutOptions) (PutResult, error) {
	t, err := c.target(name)
	if err != nil {
		return PutResult{}, err
	}
	u := &upload{client: c, target: t, opt: opt, maxBlocks: maxBlocks, progress: newReporter(opt.Progress, opt.Size)}
	if t.vault != nil {
		if !t.vault.Writable() {
			return PutResult{}, fault.New(fault.TryAgain, "%q is not stored: the network's data key was changed, and the new one has not arrived yet; try again in a moment", name)
		}
		u.encrypter, u.maxBlocks = &encrypter{keys: t.vault.File(name)}, maxSealedBlocks
	}
	if err := u.checkOptions(); err != nil {
		return PutResult{}, err
	}
	u.blockSize = blockSizeFor(opt.Size, u.maxBlocks)
	if u.opt.Modified.IsZero() {
		u.opt.Modified = time.Now()
	}
	if u.progress != nil {
		ctx = request.ReportWaits(ctx, u.progress.waits)
		defer u.progress.close()
	}
	if err := u.reserve(ctx); err != nil {
		return PutResult{}, err
	}
	defer u.memory.Close()
	defer func() { u.first.Free() }()
	if err := u.sendBlocks(ctx, r); err != nil {
		if fault.CodeOf(err) == fault.NoSpace {
			u.retract(ctx)
		}
		return PutResult{}, err
	}
	if err := u.checkSecret(); err != nil {
		return PutResult{}, err
	}
	if err := u.recheck(ctx); err != nil {
		return PutResult{}, err
	}
	res, err := u.commit(ctx)
	switch {
	case fault.CodeOf(err) == fault.NoSpace:
		u.retract(ctx)
	case err == nil:
		if err := c.removeClear(ctx, u.target); err != nil {
			return res, fault.New(fault.CodeOf(err), "%q is stored, encrypted, but the one of before, which is not, could not be deleted: put it again: %w", name, err)
		}
	}
	return res, err
}

func (u *upload) checkOptions() error {
	opt := u.opt
	if opt.Copies < 0 || opt.Copies > protocol.MaxCopies {
		return fault.New(fault.Usage, "a file has 1 to %d copies, not %d", protocol.MaxCopies, opt.Copies)
	}
	if opt.Mode > MaxMode {
		return fault.New(fault.Usage, "the mode %v has other bits than permissions", opt.Mode)
	}
	if opt.Size > int64(u.maxBlocks)*maxBlockSize {
		return fault.New(fault.NoSpace, "the file has more than %d GiB", int64(u.maxBlocks)*maxBlockSize>>30)
	}
	return nil
}

// checkSecret refuses a file that is a secret of a peer: everybody who reaches the ring could fetch
// it.
func (u *upload) checkSecret() error {
	if u.secret == "" || u.size != int64(len(u.first.Bytes())) {
		return nil
	}
	return fault.New(fault.NotAllowed, "%q is %s, which everybody in the ring could fetch: it is never stored", u.target.name, u.secret)
}

// blockSizeFor is DefaultBlockSize, doubled until all blocks fit into one record.
func blockSizeFor(size int64, blocks int) int {
	b := DefaultBlockSize
	for int64(b)*int64(blocks) < size && b < maxBlockSize {
		b *= 2
	}
	return b
}

// upload is one Put under way.
type upload struct {
	client    *Client
	target    target
	encrypter *encrypter // nil: the file is not encrypted
	opt       PutOptions
	blockSize int
	maxBlocks int
	progress  *reporter

	whole  blake3sum.Hasher // of the bytes that are stored
	size   int64
	secret string // which secret of a peer the first block is, or ""
	memory *membudget.Reservation
	first  *membudget.Buffer // the first block, which goes with the file's record at the end
	hashes []byte            // of all blocks, one after the other

	mu     sync.Mutex
	sent   int64         // bytes that the owners didn't have already
	stored []storedBlock // in the order of their answers, or of their failures
}

// reserve waits for the memory without which the put could not go on: for the first block, which is
// kept until the end, and for one of the others at a time.
func (u *upload) reserve(ctx context.Context) (err error) {
	size, count := u.blockSize, 2
	if u.opt.Size >= 0 && u.opt.Size < int64(size) {
		size, count = int(u.opt.Size)+1, 1 // one byte more shows that there is more
	}
	wait := request.BeginWait(ctx)
	defer wait.End()
	wait.ForMemory()
	u.memory, err = u.client.cfg.Memory.Reserve(ctx, membudget.User, size, count)
	return request.Explain(ctx, err, nil)
}

// sendBlocks reads r to its end and stores every block but the first.
func (u *upload) sendBlocks(ctx context.Context, r io.Reader) error {
	group, ctx := errgroup.WithContext(request.RepeatInTurn(ctx))
	group.SetLimit(blocksInFlight)
	readErr := u.readBlocks(ctx, r, func(index int, buf *membudget.Buffer, hash [protocol.HashSize]byte) {
		group.Go(func() error {
			release := buf.Free
			if hold := u.client.cfg.HoldBlock; hold != nil {
				release = hold(hash, buf)
			}
			defer release()
			return contain.Run("putting a block", func() error { return u.sendBlock(ctx, index, buf.Data, hash) })
		})
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return readErr
}

// readBlocks cuts r into blocks and gives all but the first to send, which owns them then.
func (u *upload) readBlocks(ctx context.Context, r io.Reader, send func(int, *membudget.Buffer, [protocol.HashSize]byte)) error {
	for index := 0; ; index++ {
		buf, hash, err := u.readBlock(ctx, r, index)
		if err != nil {
			return err
		}
		if buf == nil {
			break
		}
		size := len(buf.Data)
		if index >= u.maxBlocks {
			buf.Free()
			return fault.New(fault.NoSpace, "%q has more than %d blocks of %d MiB; give its size, so that larger blocks can be used", u.target.name, u.maxBlocks, u.blockSize>>20)
		}
		u.hashes = append(u.hashes, hash[:]...)
		u.size += int64(size)
		if u.opt.Size >= 0 && u.size > u.opt.Size {
			buf.Free()
			break
		}
		if index == 0 {
			u.first = buf
		} else {
			send(index, buf, hash)
		}
		if size < u.blockSize || ctx.Err() != nil {
			break
		}
	}
	if u.opt.Size >= 0 && u.size != u.opt.Size && ctx.Err() == nil {
		return fault.New(fault.Failed, "%q has changed while it was read: %d bytes were expected, %d came; the old version stays; put it again", u.target.name, u.opt.Size, u.size)
	}
	return ctx.Err()
}

// readBlock reads the next block, less at the end of the stream, and hashes it for itself and for
// the whole file while it comes. The two hashes share no work, because a chunk's place in its file
// is part of what BLAKE3 hashes.
func (u *upload) readBlock(ctx context.Context, r io.Reader, index int) (*membudget.Buffer, [protocol.HashSize]byte, error) {
	want := u.blockSize
	if u.opt.Size >= 0 {
		// One byte more than announced shows that there is more.
		want = int(min(int64(want), max(u.opt.Size-u.size, 0)+1))
	}
	buf, err := u.memory.Take(ctx, want)
	if err != nil {
		return nil, [protocol.HashSize]byte{}, err
	}
	n, hash, err := u.read(r, buf.Data, index)
	if err != nil && !errors.Is(err, io.EOF) {
		buf.Free()
		return nil, [protocol.HashSize]byte{}, fault.New(fault.Failed, "reading %q: %w", u.target.name, err)
	}
	if n == 0 {
		buf.Free()
		return nil, [protocol.HashSize]byte{}, nil
	}
	buf.Data = buf.Data[:n]
	return buf, hash, nil
}

// read fills data from r with the bytes of a block, as they are to be stored, and returns their
// hash.
func (u *upload) read(r io.Reader, data []byte, index int) (n int, hash [protocol.HashSize]byte, err error) {
	if u.encrypter == nil {
		n, hash, err = blake3sum.ReadFull(r, data, func(part []byte) {
			_, _ = u.whole.Write(part) // never fails
		})
		u.noteSecret(data[:n], index)
		return n, hash, err
	}
	n, chain, err := u.encrypter.read(r, data, index, u.blockSize)
	u.noteSecret(data[:n], index)
	if n > 0 {
		hash = u.encrypter.encrypt(data[:n], index, chain, &u.whole)
	}
	return n, hash, err
}

func (u *upload) noteSecret(data []byte, index int) {
	if index == 0 {
		u.secret = datafolder.Secret(data)
	}
}

// sendBlock stores one later block at its owner.
func (u *upload) sendBlock(ctx context.Context, index int, data []byte, hash [protocol.HashSize]byte) error {
	began := time.Now()
	rec, err := protocol.Sign(u.client.cfg.Key, &pb.RecordBody{
		Name: u.target.stored, Index: uint32(index), Clock: protocol.Clock(time.UnixMilli(u.client.now())), //nolint:gosec // bounded by maxBlocks
		Size: uint64(len(data)), Hash: hash[:], Copies: uint32(u.opt.Copies), //nolint:gosec // 0 to 8
	})
	if err != nil {
		return err
	}
	ack, err := u.client.store(ctx, rec, data, u.opt.WaitAll)
	u.mu.Lock()
	u.stored = append(u.stored, storedBlock{index: index, at: began, rec: rec, known: err == nil && ack.GetKnown()})
	u.mu.Unlock()
	if err != nil {
		return err
	}
	u.moved(len(data), ack)
	return nil
}

// moved counts a block that was acknowledged.
func (u *upload) moved(n int, ack *acknowledgement) {
	u.mu.Lock()
	u.sent += int64(ack.sent)
	u.mu.Unlock()
	u.progress.moved(n, int(ack.GetCopies()), ack.path)
}

// commit stores the file's record with its first block: that makes the new version the current one.
func (u *upload) commit(ctx context.Context) (PutResult, error) {
	sum := u.hashes // of the only block, or of none
	if len(sum) != protocol.HashSize {
		whole := u.whole.Sum()
		sum = whole[:]
	}
	body := &pb.RecordBody{
		Name: u.target.stored, Size: uint64(u.size), Hash: sum, BlockSize: uint32(u.blockSize), Blocks: u.hashes, //nolint:gosec // not negative
		Copies: uint32(u.opt.Copies), Mode: uint32(u.opt.Mode), //nolint:gosec // 0 to 8
	}
	protocol.SetModified(body, u.opt.Modified)
	first := u.first.Bytes()
	v := newVersion{target: u.target, body: body, data: first, waitAll: u.opt.WaitAll}
	storedHash := ""
	if u.encrypter != nil {
		v.seal = u.encrypter.describe(u.target, body)
		storedHash, sum = hex.EncodeToString(sum), u.encrypter.description.GetHash()
	}
	if hold := u.client.cfg.HoldBlock; u.first != nil && hold != nil {
		defer hold([protocol.HashSize]byte(u.hashes), u.first)()
		u.first = nil
	}
	ack, version, err := u.client.write(ctx, v, nil)
	if err != nil {
		return PutResult{}, err
	}
	u.moved(len(first), ack)
	wanted := int(ack.GetAsked())
	res := PutResult{
		Name: u.target.name, Key: uint16(protocol.Place(u.target.stored, 0)), Size: u.size, Hash: hex.EncodeToString(sum), StoredHash: storedHash,
		Version: versionText(version), Copies: int(ack.GetCopies()), Owner: peer.ID(ack.GetOwner().GetId()).String(),
		Wanted: wanted, Possible: int(ack.GetWanted()), Sent: u.sent,
	}
	short := res.Possible
	if u.opt.WaitAll {
		short = res.Copies
	}
	if short < wanted && (u.opt.Copies > 0 || u.opt.WaitAll) {
		return res, fault.New(fault.FewerCopies, "%q is stored, with %d of the %d copies asked for: the ring has too few peers that can be reached: more come by themselves when there are more peers", u.target.name, short, wanted)
	}
	return res, nil
}
