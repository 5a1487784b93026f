package replication

import (
	"bytes"
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/replication/localblocks"
	"github.com/p2pchord/p2pchord/internal/transfer/request"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// Call sends a request to any peer, this node included.
func (n *Node) Call(ctx context.Context, to peer.ID, req *pb.FileRequest, body []byte) (*request.Reply, error) {
	if to != n.id {
		r, err := n.transport.Call(ctx, to, req, body)
		if r != nil {
			n.clocks.Note(to, r.GetTimeMs())
		}
		return r, err
	}
	req.BodySize = uint32(len(body)) //nolint:gosec // a block
	resp, payload, err := n.handleFile(ctx, to, req, &localBody{Reader: bytes.NewReader(body), size: len(body)})
	if err != nil {
		return &request.Reply{FileResponse: resp, Close: func() {}}, err
	}
	r := &request.Reply{FileResponse: resp, Close: func() {}}
	if payload != nil {
		r.Payload, r.Size = localblocks.PayloadReader(payload)
		if payload.Release != nil {
			r.Close = payload.Release
		}
	}
	return r, nil
}

// localBody is the body of a request that this node asks of itself.
type localBody struct {
	*bytes.Reader
	size int
}

// Size is the number of bytes.
func (b *localBody) Size() int { return b.size }

// Offered is true: bytes in this node's own memory need not be read where they are held.
func (b *localBody) Offered() bool { return true }

// Serve answers one request of the file protocol.
func (n *Node) Serve(ctx context.Context, from peer.ID, req *pb.FileRequest, body Body) (*pb.FileResponse, *protocol.Payload, error) {
	resp, payload, err := n.handleFile(ctx, from, req, body)
	if resp == nil {
		resp = &pb.FileResponse{}
	}
	resp.TimeMs = n.clocks.Millis()
	return resp, payload, err
}

// handleFile finds the handler of a request.
func (n *Node) handleFile(ctx context.Context, from peer.ID, req *pb.FileRequest, body Body) (*pb.FileResponse, *protocol.Payload, error) {
	var resp *pb.FileResponse
	var payload *protocol.Payload
	var err error
	switch r := req.GetBody().(type) {
	case *pb.FileRequest_Put:
		resp, err = n.servePut(ctx, r.Put, body)
	case *pb.FileRequest_Get:
		resp, payload, err = n.serveGet(ctx, from, r.Get)
	case *pb.FileRequest_Block:
		resp, payload, err = n.blocks.ServeBlock(ctx, r.Block)
	case *pb.FileRequest_Have:
		resp, err = n.blocks.ServeHave(r.Have)
	case *pb.FileRequest_List:
		resp, err = n.serveList(ctx, r.List)
	case *pb.FileRequest_Stat:
		resp, err = n.serveStat(ctx, r.Stat)
	case *pb.FileRequest_Store:
		resp, err = n.serveStore(ctx, from, r.Store, body)
	case *pb.FileRequest_Word:
		resp, err = n.serveVote(r.Word)
	case *pb.FileRequest_Confirm:
		resp, err = n.serveConfirm(from, r.Confirm)
	case *pb.FileRequest_Grant:
		resp, err = n.serveGrant(ctx, from, r.Grant)
	case *pb.FileRequest_Claim:
		resp, err = n.serveClaim(ctx, from, r.Claim)
	case *pb.FileRequest_Digest:
		resp, err = n.held.ServeDigest(r.Digest)
	case *pb.FileRequest_Inventory:
		resp, err = n.held.ServeInventory(r.Inventory)
	case *pb.FileRequest_Pull:
		resp, err = n.held.ServePull(r.Pull)
	case *pb.FileRequest_Release:
		resp, err = n.serveRelease(ctx, from, r.Release)
	case *pb.FileRequest_Retract:
		resp, err = n.orphans.Serve(ctx, from, r.Retract)
	case *pb.FileRequest_Collect:
		resp, err = n.tombstones.Serve(ctx, from, r.Collect)
	case *pb.FileRequest_Count:
		resp, err = n.commits.Serve(ctx, r.Count)
	default:
		err = fault.New(fault.Usage, "unknown request")
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = fault.New(fault.TryAgain, "it took too long: %w", err)
	}
	return resp, payload, diskFailed(err)
}

// diskFailed puts the failure of a write to the disk into words that others may be told.
func diskFailed(err error) error {
	var told *fault.Error
	if err == nil || errors.As(err, &told) || !store.IsDiskError(err) {
		return err
	}
	log.Warnw("writing to the disk", "err", err)
	return fault.New(fault.TryAgain, "the disk of this peer failed: %s", store.Reason(err))
}
