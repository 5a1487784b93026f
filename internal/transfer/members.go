package transfer

import (
	"context"
	"iter"
	"slices"

	"github.com/p2pchord/p2pchord/protocol"
)

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
