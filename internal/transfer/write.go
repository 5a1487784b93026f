package transfer

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/duration"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// acknowledgement is an owner's answer when a record is stored, or refused.
type acknowledgement struct {
	*pb.Stored
	path string
	sent int // bytes that had to be sent
}

// missing returns the later blocks, by index, that nobody holds.
func (a *acknowledgement) missing() []uint32 {
	if a == nil || a.Stored == nil {
		return nil
	}
	return a.GetMissing()
}

// store puts a signed record, and its bytes, at its owner.
func (c *Client) store(ctx context.Context, rec *pb.Record, data []byte, waitAll bool) (*acknowledgement, error) {
	parsed, err := protocol.VerifyRecord(rec)
	if err != nil {
		return nil, err
	}
	var out *acknowledgement
	err = c.owners.At(ctx, parsed.Key(), func(ctx context.Context, to peer.ID) error {
		r, err := c.cfg.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{Record: rec, WaitAll: waitAll}}}, data)
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

// blameClock adds to a refusal that this machine's clock differs from that of the peer which
// refused, which is theirs.
func blameClock(err error, theirs uint64) error {
	off := time.Now().UnixMilli() - int64(theirs) //nolint:gosec // any number
	if theirs == 0 || fault.CodeOf(err) != fault.NotAllowed || max(off, -off) <= replica.MaxAheadMillis {
		return err
	}
	return fault.New(fault.NotAllowed, "this machine's clock is %s that of the peer asked: %w", duration.Offset(time.Duration(off)*time.Millisecond), err)
}

func pathOf(relayed bool) string {
	if relayed {
		return connpath.Relayed
	}
	return connpath.Direct
}

// newVersion is a version of a file that is to be written.
type newVersion struct {
	target
	body    *pb.RecordBody // without a version
	data    []byte         // of its first block
	waitAll bool
	// seal, if not nil, adds to body, which has its version then, what belongs to that version.
	seal func(*pb.RecordBody) error
}

// write gives a version its number, which replaces the current one, signs it, and stores it. The
// first attempt assumes that there is none; an owner that knows better returns the current record.
// An attempt that may have been carried out is repeated with the same record, so that one write
// never makes two versions.
func (c *Client) write(ctx context.Context, v newVersion, replaced *pb.RecordBody) (*acknowledgement, replica.Version, error) {
	body := v.body
	body.Writer = []byte(c.cfg.ID)
	const attempts = 64 // each failed one means that another writer was faster
	for range attempts {
		body.Ancestors, body.Floor = nil, 0
		body.Clock = c.nextClock(0)
		if replaced != nil {
			c.replace(body, replaced)
		}
		if v.seal != nil {
			if err := v.seal(body); err != nil {
				return nil, replica.Version{}, err
			}
		}
		rec, err := protocol.Sign(c.cfg.Key, body)
		if err != nil {
			return nil, replica.Version{}, err
		}
		ack, err := c.store(ctx, rec, v.data, v.waitAll)
		if err == nil {
			return ack, replica.Version{Clock: body.GetClock(), Writer: string(c.cfg.ID)}, nil
		}
		if fault.CodeOf(err) == fault.NotAllowed && len(ack.missing()) > 0 {
			return nil, replica.Version{}, fault.New(fault.TryAgain, "%d blocks of %q have gone since they were stored, so it is not stored; put it again, and only what is missing is sent", len(ack.missing()), v.name)
		}
		if fault.CodeOf(err) != fault.NotAllowed || ack == nil || ack.GetCurrent() == nil {
			return nil, replica.Version{}, err
		}
		current, verr := protocol.VerifyRecord(ack.GetCurrent())
		if verr != nil {
			return nil, replica.Version{}, verr
		}
		replaced = current.RecordBody
	}
	return nil, replica.Version{}, fault.New(fault.TryAgain, "others write %q all the time; try again", v.name)
}

// replace makes body a version that replaces another one.
func (c *Client) replace(body, replaced *pb.RecordBody) {
	current := protocol.Lineage(replaced)
	body.Clock = c.nextClock(current.Version.Clock)
	next := replica.Replace(current, replica.Version{})
	body.Floor = next.Floor
	for _, a := range next.Ancestors {
		body.Ancestors = append(body.Ancestors, &pb.Version{Clock: a.Clock, Writer: []byte(a.Writer)})
	}
}

// Remove deletes a file, its siblings included, everywhere: a tombstone takes its place until every
// holder has it.
func (c *Client) Remove(ctx context.Context, name string) error {
	t, err := c.target(name)
	if err != nil {
		return err
	}
	_, err = orClear(c, t, func(t target) (struct{}, error) { return struct{}{}, c.remove(ctx, t) })
	if err != nil {
		return err
	}
	return c.removeClear(ctx, t)
}

func (c *Client) remove(ctx context.Context, t target) error {
	// A file that can't be decrypted is deleted like others.
	found, err := c.fetchRecord(ctx, target{name: t.name, stored: t.stored}, &pb.Get{Name: t.stored})
	if err != nil {
		return err
	}
	// The tombstone replaces every version that can be seen.
	rec := found.rec
	replaced := &pb.RecordBody{Clock: rec.GetClock(), Writer: rec.GetWriter(), Floor: rec.GetFloor()}
	replaced.Ancestors = slices.Clone(rec.GetAncestors())
	for _, s := range found.siblings {
		replaced.Ancestors = append(replaced.Ancestors, &pb.Version{Clock: s.GetClock(), Writer: s.GetWriter()})
		// a holder that was away may have only those
		replaced.Ancestors = append(replaced.Ancestors, s.GetAncestors()...)
		replaced.Floor = max(replaced.Floor, s.GetFloor())
	}
	slices.SortFunc(replaced.Ancestors, func(a, b *pb.Version) int { return protocol.CompareVersions(b, a) })
	replaced.Ancestors = slices.CompactFunc(replaced.Ancestors, func(a, b *pb.Version) bool { return protocol.CompareVersions(a, b) == 0 })
	_, _, err = c.write(ctx, newVersion{target: t, body: &pb.RecordBody{
		Name: t.stored, Deleted: true, Modified: uint64(max(0, time.Now().UnixMilli())), Copies: rec.GetCopies(), //nolint:gosec // a time
	}}, replaced)
	return err
}
