package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/handover"
)

// Leave hands every file over to the peers that hold it when this node is gone, tells the
// neighbors, closes the node and empties its data folder of records and blocks. report, if not
// nil, is called for each file. A file that can't be handed over stays where it is and is named in
// the error; the others go all the same, and the data is kept.
func (n *Node) Leave(ctx context.Context, report func(HandOver)) error {
	failed, err := n.handOver(ctx, report, true)
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		return errors.Join(fault.New(fault.Failed, "%s could not be handed over and stay in %s: %s; start the node again and repeat", handover.Files(len(failed)), n.cfg.Data, list(failed)), n.Close())
	}
	n.folder.EmptyAtClose()
	return n.Close()
}

// Quit hands over what has too few copies elsewhere, as far as ctx allows, tells the
// neighbors, and closes the node. Its data is kept for the next start.
func (n *Node) Quit(ctx context.Context, report func(HandOver)) error {
	failed, err := n.handOver(ctx, report, false)
	closed := n.Close()
	if err != nil || closed != nil {
		return errors.Join(err, closed)
	}
	if len(failed) > 0 {
		return fault.New(fault.FewerCopies, "fewer copies of %s while this node is away: %s", handover.Files(len(failed)), list(failed))
	}
	return nil
}

// list names a few.
func list(names []string) string {
	if len(names) > 5 {
		return fmt.Sprintf("%q and %d more", names[:5], len(names)-5)
	}
	return fmt.Sprintf("%q", names)
}

// handOver gives every record the copies that it shall have without this node, and announces the
// departure. See replication.Node.HandOver.
func (n *Node) handOver(ctx context.Context, report func(HandOver), all bool) ([]string, error) {
	s, failed, err := n.replicas.HandOver(ctx, report, all)
	if err == nil {
		n.announceDeparture(ctx, s, len(failed) > 0)
	}
	return failed, err
}

// announceDeparture hands the pointers over: the neighbors learn who is next to them, and the
// bootstrap peers that this node is gone. incomplete says that copies stay behind here.
func (n *Node) announceDeparture(ctx context.Context, s *snapshot, incomplete bool) {
	// the time for handing over may be used up; saying goodbye has its own
	ctx = context.WithoutCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { n.driver().AnnounceDeparture(ctx, s.View, incomplete) })
	for _, c := range n.contacts {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, n.cfg.Heartbeat)
			defer cancel()
			_ = c.Goodbye(ctx) // a bootstrap peer that isn't told notices by itself
		})
	}
	wg.Wait()
}
