package transfer

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// verifyRecord verifies a record that a peer shows. In a private ring its writer must have had the
// right to write it. A peer that shows another one may not have heard yet that its writer is
// revoked.
func (c *Client) verifyRecord(m *pb.Record) (*protocol.Record, error) {
	rec, err := protocol.VerifyRecord(m)
	if err != nil {
		return nil, err
	}
	if err := c.cfg.Writers.CheckRecord(rec); err != nil {
		return nil, fault.New(fault.TryAgain, "a peer shows a version that doesn't count; try again: %w", err)
	}
	return rec, nil
}
