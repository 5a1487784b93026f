package transfer

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/ring"
)

// Stat tells everything about a file.
func (c *Client) Stat(ctx context.Context, name string) (FileStat, error) {
	t, err := c.target(name)
	if err != nil {
		return FileStat{}, err
	}
	return orClear(c, t, func(t target) (FileStat, error) { return c.stat(ctx, t) })
}

func (c *Client) stat(ctx context.Context, t target) (FileStat, error) {
	var out FileStat
	var rec *protocol.Record
	err := c.owners.At(ctx, protocol.Place(t.stored, 0), func(ctx context.Context, to peer.ID) error {
		r, err := c.cfg.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Stat{Stat: &pb.Stat{Name: t.stored}}}, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		out, rec, err = c.readStats(t, r.GetStats())
		return err
	})
	if fault.CodeOf(err) == fault.NotFound {
		return FileStat{}, fault.New(fault.NotFound, "%q is not in the ring", t.name)
	}
	if err != nil {
		return out, err
	}
	out.Missing, out.Unchecked = c.missingBlocks(ctx, rec)
	for i := range out.Holders {
		out.Holders[i].Complete = out.Holders[i].Complete && len(out.Missing) == 0
	}
	return out, nil
}

func (c *Client) readStats(t target, m *pb.Stats) (FileStat, *protocol.Record, error) {
	rec, err := c.verifyRecord(m.GetRecord())
	if err != nil {
		return FileStat{}, nil, err
	}
	if rec.GetName() != t.stored {
		return FileStat{}, nil, errOther
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
	if out.FileInfo, err = t.describe(rec, complete); err != nil {
		return FileStat{}, nil, err
	}
	for i := range rec.BlockCount() {
		hash, size := rec.BlockAt(i)
		out.Blocks = append(out.Blocks, Block{
			Index: i, Key: uint16(protocol.Place(t.stored, uint32(i))), Size: int64(size), CID: protocol.CID(hash).String(), //nolint:gosec // bounded
		})
	}
	for _, s := range m.GetSiblings() {
		sib, err := c.verifyRecord(s)
		if err != nil || sib.GetDeleted() || sib.GetName() != t.stored {
			continue
		}
		if info, err := t.describe(sib, 0); err == nil {
			out.Siblings = append(out.Siblings, info)
		}
	}
	return out, rec, nil
}

// askedAtOnce is how many peers are asked for blocks at a time.
const askedAtOnce = 8

// blockSearch finds out which later blocks of a file nobody holds who should.
type blockSearch struct {
	client  *Client
	rec     *protocol.Record
	pending []int        // not found yet
	failed  map[int]bool // a peer that may hold it didn't answer
}

// missingBlocks returns the later blocks of a file that neither their owners nor the owners'
// neighbors hold, and those for which that can't be told because one of them doesn't answer.
func (c *Client) missingBlocks(ctx context.Context, rec *protocol.Record) (missing, unchecked []int) {
	missing, unchecked = []int{}, []int{}
	b := blockSearch{client: c, rec: rec, failed: make(map[int]bool)}
	for i := 1; i < rec.BlockCount(); i++ {
		b.pending = append(b.pending, i)
	}
	if len(b.pending) == 0 {
		return missing, unchecked
	}
	b.ask(ctx, c.cfg.Router.Guess)
	if len(b.pending) == 0 {
		return missing, unchecked
	}
	clear(b.failed) // the guess may have been wrong; who owns the blocks is asked now
	members, err := c.cfg.Router.Walk(ctx)
	if err != nil {
		return missing, b.pending
	}
	// as many as may hold one, and one more while the ring changes
	for turn := range min(protocol.MaxCopies+1, len(members)) {
		b.ask(ctx, func(key ring.Key) (peer.ID, bool) { return candidate(members, key, turn), true })
	}
	for _, i := range b.pending {
		if b.failed[i] {
			unchecked = append(unchecked, i)
		} else {
			missing = append(missing, i)
		}
	}
	return missing, unchecked
}

// candidate is the peer to ask for a key in a turn: the owner, its predecessor, then its
// successors.
func candidate(members []protocol.PeerInfo, key ring.Key, turn int) peer.ID {
	at, n := ring.At(key), len(members)
	sorted := slices.SortedFunc(slices.Values(members), func(a, b protocol.PeerInfo) int { return a.Position.Compare(b.Position) })
	owner, _ := slices.BinarySearchFunc(sorted, at, func(m protocol.PeerInfo, p ring.Position) int { return m.Position.Compare(p) })
	switch turn {
	case 0:
	case 1:
		owner += n - 1
	default:
		owner += turn - 1
	}
	return sorted[owner%n].ID
}

// ask asks, for each pending block, the peer that whom names for its key, and takes out those that
// are held.
func (b *blockSearch) ask(ctx context.Context, whom func(ring.Key) (peer.ID, bool)) {
	type question struct {
		to     peer.ID
		blocks []int
		held   []bool
	}
	byPeer := make(map[peer.ID][]int)
	for _, i := range b.pending {
		if to, ok := whom(protocol.Place(b.rec.GetName(), uint32(i))); ok { //nolint:gosec // bounded by maxBlocks
			byPeer[to] = append(byPeer[to], i)
		}
	}
	var questions []*question
	for to, blocks := range byPeer {
		for part := range slices.Chunk(blocks, protocol.MaxHashes) {
			questions = append(questions, &question{to: to, blocks: part})
		}
	}
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for _, q := range questions {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, b.client.cfg.Timeout)
			defer cancel()
			hashes := make([][]byte, len(q.blocks))
			for j, i := range q.blocks {
				hash, _ := b.rec.BlockAt(i)
				hashes[j] = hash[:]
			}
			q.held, _ = b.client.have(ctx, q.to, hashes) // nil when it doesn't answer
			return nil
		})
	}
	_ = group.Wait() // none fails
	found := make(map[int]bool)
	for _, q := range questions {
		for j, i := range q.blocks {
			switch {
			case q.held == nil:
				b.failed[i] = true
			case q.held[j]:
				found[i] = true
			}
		}
	}
	b.pending = slices.DeleteFunc(b.pending, func(i int) bool { return found[i] })
}

// have asks a peer which blocks it has.
func (c *Client) have(ctx context.Context, to peer.ID, hashes [][]byte) ([]bool, error) {
	r, err := c.cfg.Call(ctx, to, &pb.FileRequest{Body: &pb.FileRequest_Have{Have: &pb.Have{Hashes: hashes}}}, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	held := r.GetHeld().GetHeld()
	if len(held) != len(hashes) {
		return nil, fault.New(fault.Integrity, "a peer answered for %d blocks of %d", len(held), len(hashes))
	}
	return held, nil
}
