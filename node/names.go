package node

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// ValidName says whether a name may be given to a file: UTF-8, 1 to 1024 bytes, relative, parts
// parted by '/', none of them empty, '.' or '..', no control characters. The error is of kind fault.Usage.
func ValidName(name string) error { return protocol.ValidName(name) }

// List yields the files of the ring whose names begin with prefix, by name. After an
// error nothing follows; what came before may not be all.
func (o *operations) List(ctx context.Context, prefix string) iter.Seq2[FileInfo, error] {
	return func(yield func(FileInfo, error) bool) {
		var files []FileInfo
		err := o.retry(ctx, func(ctx context.Context) (err error) {
			files, err = o.listAll(ctx, prefix)
			return err
		})
		if err != nil {
			yield(FileInfo{}, err)
			return
		}
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// listers is how many members are asked for their files at a time.
const listers = 8

// listAll asks every member for the files of its arc. It fails if one of them can't
// be asked, for its files would be missing.
func (o *operations) listAll(ctx context.Context, prefix string) ([]FileInfo, error) {
	members, err := o.route.walk(ctx)
	if err != nil {
		return nil, err
	}
	lists := make([][]FileInfo, len(members))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for i, m := range members {
		group.Go(func() error {
			return contain.Run("listing files", func() (err error) {
				lists[i], err = o.listOne(ctx, m.ID, prefix)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b FileInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), -cmp.Compare(a.Version, b.Version))
	})
	// While an arc changes hands two members may list a file: the newer version counts.
	return slices.CompactFunc(all, func(a, b FileInfo) bool { return a.Name == b.Name }), nil
}

// maxListed bounds the files that are taken of one peer's list, which it makes as long as it likes.
const maxListed = 1 << 20

func (o *operations) listOne(ctx context.Context, from peer.ID, prefix string) ([]FileInfo, error) {
	var out []FileInfo
	ask := &pb.List{Prefix: prefix}
	for {
		r, err := o.call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_List{List: ask}}, nil)
		if err != nil {
			return nil, err
		}
		listed := r.GetListed()
		r.Close()
		if len(out) > maxListed {
			return nil, fault.New(fault.Integrity, "%s lists files without end", from)
		}
		for _, f := range listed.GetFiles() {
			out = append(out, fileInfo(&pb.RecordBody{
				Name: f.GetName(), Size: f.GetSize(), Hash: f.GetHash(), Modified: f.GetModified(),
				ModifiedBeforeEpoch: f.GetModifiedBeforeEpoch(), ModifiedNanos: f.GetModifiedNanos(), Mode: f.GetMode() & maxMode,
				Clock: f.GetVersion().GetClock(), Writer: f.GetVersion().GetWriter(),
			}, int(f.GetCopies())))
		}
		if !listed.GetMore() || len(listed.GetFiles()) == 0 {
			return out, nil
		}
		last := out[len(out)-1]
		ask = &pb.List{Prefix: prefix, More: true, After: last.Name, AfterKey: uint32(last.Key)}
	}
}

// Stat tells everything about a file.
func (o *operations) Stat(ctx context.Context, name string) (FileStat, error) {
	if err := ValidName(name); err != nil {
		return FileStat{}, err
	}
	var out FileStat
	var rec *protocol.Record
	err := o.atOwner(ctx, protocol.Place(name, 0), func(ctx context.Context, to peer.ID) error {
		r, err := o.call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: name}}}, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		out, rec, err = o.readStats(name, r.GetStats())
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return FileStat{}, fault.New(fault.NotFound, "%q is not in the ring", name)
	}
	if err != nil {
		return out, err
	}
	out.Missing, out.Unchecked = o.missingBlocks(ctx, rec)
	for i := range out.Holders {
		out.Holders[i].Complete = out.Holders[i].Complete && len(out.Missing) == 0
	}
	return out, nil
}

func (o *operations) readStats(name string, m *pb.Stats) (FileStat, *protocol.Record, error) {
	rec, err := protocol.VerifyRecord(m.GetRecord())
	if err != nil {
		return FileStat{}, nil, err
	}
	if rec.GetName() != name {
		return FileStat{}, nil, fault.New(fault.Integrity, "a peer answered with the record of another file")
	}
	out := FileStat{Writer: rec.By.String(), Blocks: []Block{}, Holders: []Holder{}, Siblings: []FileInfo{}}
	complete := 0
	for _, h := range m.GetHolders() {
		role := "backup"
		if h.GetOwner() {
			role = "owner"
		}
		if h.GetComplete() {
			complete++
		}
		out.Holders = append(out.Holders, Holder{PeerID: peer.ID(h.GetPeer().GetId()).String(), Role: role, Complete: h.GetComplete()})
	}
	out.FileInfo = fileInfo(rec.RecordBody, complete)
	for i := range rec.BlockCount() {
		hash, size := rec.BlockAt(i)
		out.Blocks = append(out.Blocks, Block{
			Index: i, Key: uint16(protocol.Place(name, uint32(i))), Size: int64(size), CID: protocol.CID(hash).String(), //nolint:gosec // bounded
		})
	}
	for _, s := range m.GetSiblings() {
		if sib, err := protocol.VerifyRecord(s); err == nil && !sib.GetDeleted() {
			out.Siblings = append(out.Siblings, fileInfo(sib.RecordBody, 0))
		}
	}
	return out, rec, nil
}

// Remove deletes a file, its siblings included, everywhere: a tombstone takes its place until every holder has it.
func (o *operations) Remove(ctx context.Context, name string) error {
	g, err := o.fetchRecord(ctx, &pb.Get{Name: name})
	if err != nil {
		return err
	}
	// The tombstone replaces every version that can be seen.
	replaced := &pb.RecordBody{Clock: g.rec.GetClock(), Writer: g.rec.GetWriter(), Floor: g.rec.GetFloor()}
	replaced.Ancestors = slices.Clone(g.rec.GetAncestors())
	for _, s := range g.siblings {
		replaced.Ancestors = append(replaced.Ancestors, &pb.Version{Clock: s.GetClock(), Writer: s.GetWriter()})
		replaced.Ancestors = append(replaced.Ancestors, s.GetAncestors()...) // a holder that was away may have only those
		replaced.Floor = max(replaced.Floor, s.GetFloor())
	}
	slices.SortFunc(replaced.Ancestors, func(a, b *pb.Version) int { return protocol.Version(b).Compare(protocol.Version(a)) })
	replaced.Ancestors = slices.CompactFunc(replaced.Ancestors, func(a, b *pb.Version) bool { return protocol.Version(a) == protocol.Version(b) })
	_, _, err = o.write(ctx, &pb.RecordBody{
		Name: name, Deleted: true, Modified: uint64(max(0, time.Now().UnixMilli())), Copies: g.rec.GetCopies(), //nolint:gosec // a time
	}, nil, false, replaced)
	return err
}

// Members yields the members of the ring, from the lowest position.
func (o *operations) Members(ctx context.Context) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		var members []protocol.PeerInfo
		err := o.retry(ctx, func(ctx context.Context) (err error) {
			members, err = o.route.walk(ctx)
			return err
		})
		if err != nil {
			yield(Member{}, err)
			return
		}
		slices.SortFunc(members, func(a, b protocol.PeerInfo) int { return a.Position.Compare(b.Position) })
		for _, m := range members {
			if !yield(member(m), nil) {
				return
			}
		}
	}
}

func member(p protocol.PeerInfo) Member {
	m := Member{PeerID: p.ID.String(), Key: uint16(p.Position.Key), RingAddress: p.RingAddress.String(), Addrs: []string{}}
	for _, a := range p.Addrs {
		m.Addrs = append(m.Addrs, a.String())
	}
	return m
}
