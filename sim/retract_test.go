package sim

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A put retracts a block that another version uses by now. The holders have the block with the
// record of the put that retracts it, because the clock of its writer is ahead.
func TestABlockIsGivenUpThatAnotherVersionUses(t *testing.T) {
	scene(t, 4, time.Second, func(s *stage, _ time.Duration) {
		a, b := s.peers[3], s.peers[4]
		const name, value = "shared", 6
		block := content(value, 2)[blockSize:]
		hash := blake3sum.Sum(block)
		a.env.Go("user", func(ctx context.Context) {
			rec, _, err := a.user.send(ctx, &pb.RecordBody{
				Name: name, Index: 1, Clock: a.user.nextClock(0) + 5000<<16, Size: uint64(len(block)), Hash: hash[:],
			}, block)
			if err != nil {
				t.Error(err)
			}
			b.env.Go("user", func(ctx context.Context) {
				var last *record
				err := b.user.put(ctx, name, value, 2, 0, func(body *pb.RecordBody) {
					s.check.values[string(body.GetHash())] = value
					last = s.check.recordOf(proto.CloneOf(body))
					s.check.sent(last)
				})
				if err != nil {
					t.Error(err)
					return
				}
				s.check.acknowledged(b, last)
				a.env.Go("user", func(ctx context.Context) { a.user.retract(ctx, []*pb.Record{rec}) }, nil)
			}, nil)
		}, nil)
	})
}
