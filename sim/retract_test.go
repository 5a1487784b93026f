package sim

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/env"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// sendAhead has a writer whose clock is ahead put a later block, and calls then with its record.
func sendAhead(t *testing.T, a *peer, name string, block []byte, then func(*pb.Record)) {
	t.Helper()
	hash := blake3sum.Sum(block)
	a.env.Go("user", func(ctx context.Context) {
		rec, _, err := a.user.send(ctx, &pb.RecordBody{
			Name: name, Index: 1, Clock: a.user.nextClock(0) + 5000<<16, Size: uint64(len(block)), Hash: hash[:],
		}, block)
		if err != nil {
			t.Error(err)
		}
		then(rec)
	}, nil)
}

// A put retracts a block that another version uses by now. The holders have the block with the
// record of the put that retracts it, because the clock of its writer is ahead.
func TestABlockIsGivenUpThatAnotherVersionUses(t *testing.T) {
	scene(t, 4, time.Second, func(s *stage, _ time.Duration) {
		a, b := s.peers[3], s.peers[4]
		const name, value = "shared", 6
		block := content(value, 2)[blockSize:]
		sendAhead(t, a, name, block, func(rec *pb.Record) {
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
		})
	})
}

// A put stores a block that another put has stored already. That one retracts it, and it is gone
// when the record of the first is to be committed. The holders have the block with the record of
// the put that retracts it, because the clock of its writer is ahead.
func TestABlockIsGivenUpBeforeTheCommit(t *testing.T) {
	scene(t, 4, time.Second, func(s *stage, _ time.Duration) {
		a, b := s.peers[3], s.peers[4]
		const name, value = "shared", 6
		block := content(value, 2)[blockSize:]
		hash := blake3sum.Sum(block)
		sendAhead(t, a, name, block, func(rec *pb.Record) {
			b.env.Go("user", func(ctx context.Context) {
				var last *record
				err := b.user.put(ctx, name, value, 2, 0, func(body *pb.RecordBody) {
					s.check.values[string(body.GetHash())] = value
					last = s.check.recordOf(proto.CloneOf(body))
					s.check.sent(last)
					if !s.anywhere(hash) {
						t.Error("the put has not stored its later block")
					}
					a.env.Go("user", func(ctx context.Context) { a.user.retract(ctx, []*pb.Record{rec}) }, nil)
					for i := 0; s.anywhere(hash); i++ {
						if err := env.Sleep(ctx, b.env, 100*time.Millisecond); err != nil || i == 200 {
							t.Errorf("the block stays: %v", err)
							return
						}
					}
				})
				if err == nil {
					s.check.acknowledged(b, last)
				}
				if last == nil || fault.CodeOf(err) != fault.NotAllowed {
					t.Errorf("the put of a block that nobody has ends with %v", err)
				}
			}, nil)
		})
	})
}
