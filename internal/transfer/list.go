package transfer

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

const (
	// listers is how many members are asked for their files at a time.
	listers = 8
	// maxListed bounds the files that are taken from one member.
	maxListed = 1 << 20
)

// List yields the files of the ring whose names begin with prefix, by name. After an error nothing
// follows; what came before may not be all.
func (c *Client) List(ctx context.Context, prefix string) iter.Seq2[FileInfo, error] {
	return func(yield func(FileInfo, error) bool) {
		var files []FileInfo
		err := c.owners.Retry(ctx, func(ctx context.Context) (err error) {
			var ask listing
			if ask, err = c.listing(prefix); err == nil {
				files, err = c.listAll(ctx, ask)
			}
			if err == nil {
				files, err = c.withClear(ctx, ask, files)
			}
			return err
		})
		yieldAll(files, err, yield)
	}
}

// yieldAll yields all values, or the error alone.
func yieldAll[T any](values []T, err error, yield func(T, error) bool) {
	if err != nil {
		var none T
		yield(none, err)
		return
	}
	for _, v := range values {
		if !yield(v, nil) {
			return
		}
	}
}

// listAll asks every member for the files of its arc. It fails if one of them can't be asked,
// because its files would be missing.
func (c *Client) listAll(ctx context.Context, ask listing) ([]FileInfo, error) {
	members, err := c.cfg.Router.Walk(ctx)
	if err != nil {
		return nil, err
	}
	lists := make([][]FileInfo, len(members))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for i, m := range members {
		group.Go(func() error {
			return contain.Run("listing files", func() (err error) {
				lists[i], err = c.listOne(ctx, m.ID, ask)
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

func (c *Client) listOne(ctx context.Context, from peer.ID, what listing) ([]FileInfo, error) {
	var out []FileInfo
	ask, count := what.request(), 0
	for {
		r, err := c.cfg.Call(ctx, from, &pb.FileRequest{Body: &pb.FileRequest_List{List: ask}}, nil)
		if err != nil {
			return nil, err
		}
		listed := r.GetListed()
		r.Close()
		if count += len(listed.GetFiles()); count > maxListed {
			return nil, fault.New(fault.Integrity, "%s lists files without end", from)
		}
		for _, f := range listed.GetFiles() {
			if info, err := c.listed(ctx, what, f); err != nil {
				return nil, err
			} else if info != nil {
				out = append(out, *info)
			}
		}
		if !listed.GetMore() || len(listed.GetFiles()) == 0 {
			return out, nil
		}
		last := listed.GetFiles()[len(listed.GetFiles())-1]
		ask = what.request()
		ask.More, ask.After, ask.AfterKey = true, last.GetName(), uint32(protocol.Place(last.GetName(), 0))
	}
}

// Lookup finds the owner of a name and tells the way to it.
func (c *Client) Lookup(ctx context.Context, name string) (Lookup, error) {
	t, err := c.target(name)
	if err != nil {
		return Lookup{}, err
	}
	key := protocol.Place(t.stored, 0)
	var owner protocol.Owner
	err = c.owners.Retry(ctx, func(ctx context.Context) (err error) {
		owner, err = c.cfg.Router.Locate(ctx, key)
		return err
	})
	if err != nil {
		return Lookup{}, err
	}
	out := Lookup{Name: name, Key: uint16(key), Owner: hop(owner.PeerInfo), Hops: owner.Hops}
	for _, p := range owner.Path {
		out.Path = append(out.Path, hop(p))
	}
	return out, nil
}

func hop(p protocol.PeerInfo) Hop {
	return Hop{PeerID: p.ID.String(), Key: uint16(p.Position.Key)}
}

// Members yields the members of the ring, from the lowest position.
func (c *Client) Members(ctx context.Context) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		var peers []protocol.PeerInfo
		err := c.owners.Retry(ctx, func(ctx context.Context) (err error) {
			peers, err = c.cfg.Router.Walk(ctx)
			return err
		})
		slices.SortFunc(peers, func(a, b protocol.PeerInfo) int { return a.Position.Compare(b.Position) })
		var members []Member
		for _, p := range peers {
			members = append(members, DescribeMember(p))
		}
		yieldAll(members, err, yield)
	}
}

// DescribeMember returns what is known of a member.
func DescribeMember(p protocol.PeerInfo) Member {
	m := Member{PeerID: p.ID.String(), Key: uint16(p.Position.Key), RingAddress: p.RingAddress.String(), Addrs: []string{}}
	for _, a := range p.Addrs {
		m.Addrs = append(m.Addrs, a.String())
	}
	return m
}
