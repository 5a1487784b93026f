package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/transfer/quorum"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

// client does what a user asks of a node, with the requests of protocol/SPEC.md.
type client struct {
	*peer
	written uint16 // records that it has signed
	reader  *quorum.Reader
}

func newClient(p *peer) *client {
	return &client{peer: p, written: uint16(p.world.Dice.Uint32()), reader: quorum.New(quorum.Config{ //nolint:gosec // any number
		Self: p.ID, Locate: p.ring.Locate, Call: p.files.Call, Learn: p.book.Learn, Vote: p.files.Vote, Timeout: timeout, Env: p.env,
		Writers: p.writers(),
	})}
}

// blockSize is the least that a file of several blocks may have.
const blockSize = protocol.MinBlockSize

// content is the bytes of a value in so many blocks. Its later blocks it has in common with every
// second value.
func content(value uint64, blocks int) []byte {
	out := binary.BigEndian.AppendUint64(nil, value)
	for i := 1; i < blocks; i++ {
		out = append(out, make([]byte, i*blockSize-len(out))...)
		out = binary.BigEndian.AppendUint64(out, value%2)
	}
	return out
}

// valueOf is the inverse.
func valueOf(content []byte) uint64 { return binary.BigEndian.Uint64(content) }

// withOwner runs fn with the owner of key until it succeeds, fails for good, or the time is over.
func (c *client) withOwner(ctx context.Context, key ring.Key, fn func(libp2p.ID) error) error {
	ctx, cancel := c.env.WithTimeout(ctx, 12*timeout)
	defer cancel()
	until := c.env.Now().Add(timeout)
	pause, follow := 20*time.Millisecond, 0
	to, known := c.ring.Guess(key)
	for {
		var err error
		if !known {
			var owner protocol.Owner
			if owner, err = c.ring.Locate(ctx, key); err == nil {
				to = owner.ID
			}
		}
		if err == nil {
			err = fn(to)
		}
		if err == nil || !request.Retryable(err) {
			return err
		}
		known = false
		var e *protocol.Elsewhere
		if errors.As(err, &e) && e.Better != nil && follow < 8 && libp2p.ID(e.Better.GetId()) != to {
			to, known = libp2p.ID(e.Better.GetId()), true
			follow++
			continue
		}
		follow = 0
		if c.env.Now().After(until) {
			return err
		}
		if err := env.Sleep(ctx, c.env, pause/2+time.Duration(c.env.Int64N(int64(pause)))); err != nil {
			return err
		}
		pause = min(2*pause, time.Second)
	}
}

func (c *client) nextClock(current uint64) uint64 {
	c.written++
	return replica.NextClock(c.env.Now().UnixMilli()+c.files.Clocks().Correction(), current, c.written)
}

// send puts a record, and its bytes, at its owner.
func (c *client) send(ctx context.Context, body *pb.RecordBody, data []byte) (*pb.Record, *pb.Stored, error) {
	rec, err := protocol.Sign(c.Key, body)
	if err != nil {
		return nil, nil, err
	}
	var stored *pb.Stored
	err = c.withOwner(ctx, protocol.Place(body.GetName(), body.GetIndex()), func(to libp2p.ID) error {
		r, err := c.files.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{Record: rec}}}, data)
		stored = nil
		if r != nil {
			defer r.Close()
			stored = r.GetStored()
		}
		return err
	})
	return rec, stored, err
}

// write gives a file a version that replaces the current one. sent is called with each record
// before it goes out.
func (c *client) write(ctx context.Context, body *pb.RecordBody, data []byte, replaced *pb.RecordBody, sent func(*pb.RecordBody)) error {
	const attempts = 16
	for range attempts {
		body.Ancestors, body.Floor, body.Clock = nil, 0, c.nextClock(0)
		if replaced != nil {
			current := protocol.Lineage(replaced)
			body.Clock = c.nextClock(current.Version.Clock)
			next := replica.Replace(current, replica.Version{})
			body.Floor = next.Floor
			for _, a := range next.Ancestors {
				body.Ancestors = append(body.Ancestors, &pb.Version{Clock: a.Clock, Writer: []byte(a.Writer)})
			}
		}
		body.Writer = []byte(c.ID)
		sent(body)
		_, stored, err := c.send(ctx, body, data)
		if fault.CodeOf(err) != fault.NotAllowed || stored.GetCurrent() == nil {
			return err
		}
		current, err := protocol.VerifyRecord(stored.GetCurrent())
		if err != nil {
			return err
		}
		replaced = current.RecordBody
	}
	return fault.TryAgain
}

// put stores a value under a name. Later blocks come first; when it has no room it gives them up.
func (c *client) put(ctx context.Context, name string, value uint64, blocks, copies int, sent func(*pb.RecordBody)) error {
	data := content(value, blocks)
	whole := blake3sum.Sum(data)
	body := &pb.RecordBody{Name: name, Size: uint64(len(data)), Hash: whole[:], BlockSize: blockSize, Copies: uint32(copies)} //nolint:gosec // few
	var later []*pb.Record
	err := func() error {
		for i := 0; i*blockSize < len(data); i++ {
			block := data[i*blockSize : min(len(data), (i+1)*blockSize)]
			hash := blake3sum.Sum(block)
			body.Blocks = append(body.Blocks, hash[:]...)
			if i == 0 {
				continue
			}
			rec, stored, err := c.send(ctx, &pb.RecordBody{
				Name: name, Index: uint32(i), Clock: c.nextClock(0), Size: uint64(len(block)), Hash: hash[:], Copies: body.GetCopies(), //nolint:gosec // few
			}, block)
			if !stored.GetKnown() {
				later = append(later, rec)
			}
			if err != nil {
				return err
			}
		}
		return c.write(ctx, body, data[:min(len(data), blockSize)], nil, sent)
	}()
	if fault.CodeOf(err) == fault.NoSpace {
		c.retract(ctx, later)
	}
	return err
}

// retract gives up the blocks of a put that was refused.
func (c *client) retract(ctx context.Context, later []*pb.Record) {
	ctx, cancel := c.env.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, rec := range later {
		body, err := protocol.VerifyRecord(rec)
		if err != nil {
			continue
		}
		owner, err := c.ring.Locate(ctx, body.Key())
		if err != nil {
			continue
		}
		if r, err := c.files.Call(ctx, owner.ID, &pb.FileRequest{Body: &pb.FileRequest_Retract{Retract: &pb.Retract{Records: []*pb.Record{rec}}}}, nil); err == nil {
			r.Close()
			c.world.check.givenUp[givenUpKey(body.RecordBody)] = true
			c.world.note("%d gives up block %d of %s", c.index, body.GetIndex(), body.GetName())
		}
	}
}

// givenUpKey names the record of a later block.
func givenUpKey(b *pb.RecordBody) string {
	return fmt.Sprintf("%s %d %x %x", b.GetName(), b.GetIndex(), b.GetClock(), b.GetWriter())
}

// found is what a get has found.
type found struct {
	rec      *protocol.Record
	siblings []*protocol.Record
	holders  []libp2p.ID
	first    []byte // its first block, if it came with the record
}

// get reads a file's record.
func (c *client) get(ctx context.Context, name string) (f *found, err error) {
	err = c.withOwner(ctx, protocol.Place(name, 0), func(to libp2p.ID) error {
		got, err := c.reader.Read(ctx, to, &pb.Get{Name: name, WithBody: true})
		if err != nil {
			return err
		}
		defer got.Close()
		f = &found{rec: got.Record, siblings: got.Siblings, holders: got.Holders}
		if r := got.Reply; r != nil && r.Size > 0 {
			data, err := io.ReadAll(r.Payload)
			if hash := blake3sum.Sum(data); err == nil && hash == got.Record.BlockHash() {
				f.first = data
			}
		}
		return nil
	})
	return f, err
}

// read gets the bytes of what get has found.
func (c *client) read(ctx context.Context, f *found) ([]byte, error) {
	out := slices.Clone(f.first)
	for i := range f.rec.BlockCount() {
		if i == 0 && f.first != nil {
			continue
		}
		hash, size := f.rec.BlockAt(i)
		near := f.holders
		if i > 0 {
			near = nil
		}
		data, err := c.disk.Memory.Read(ctx, hash, nil)
		if err != nil {
			data, err = c.findBlock(ctx, f.rec.GetName(), uint32(i), hash, size, near) //nolint:gosec // few
		}
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
	}
	if whole := blake3sum.Sum(out); !bytes.Equal(whole[:], f.rec.GetHash()) {
		return nil, fault.Integrity
	}
	return out, nil
}

// remove deletes a file, its siblings included.
func (c *client) remove(ctx context.Context, name string, sent func(*pb.RecordBody)) error {
	f, err := c.get(ctx, name)
	if err != nil {
		return err
	}
	r := &pb.RecordBody{Clock: f.rec.GetClock(), Writer: f.rec.GetWriter(), Floor: f.rec.GetFloor(), Ancestors: slices.Clone(f.rec.GetAncestors())}
	for _, s := range f.siblings {
		r.Ancestors = append(append(r.Ancestors, s.Version()), s.GetAncestors()...)
		r.Floor = max(r.Floor, s.GetFloor())
	}
	slices.SortFunc(r.Ancestors, func(a, b *pb.Version) int { return protocol.CompareVersions(b, a) })
	r.Ancestors = slices.CompactFunc(r.Ancestors, func(a, b *pb.Version) bool { return protocol.CompareVersions(a, b) == 0 })
	return c.write(ctx, &pb.RecordBody{Name: name, Deleted: true, Copies: f.rec.GetCopies()}, nil, r, sent)
}
