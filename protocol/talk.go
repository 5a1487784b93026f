package protocol

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// talk is what sets one protocol apart from the others, for both ends.
type talk[Req, Resp proto.Message] struct {
	id      protocol.ID
	service string // the resource manager's name for it
	limit   int    // bytes of a message
	handle  time.Duration

	newReq    func() Req
	newResp   func() Resp
	checkReq  func(from peer.ID, req Req) error
	checkResp func(req Req, resp Resp) error
	setStatus func(resp Resp, a answerStatus)
	status    func(resp Resp) error // the error that its status stands for
}

var ringTalk = talk[*pb.RingRequest, *pb.RingResponse]{
	id: RingID, service: "p2pchord.ring", limit: MaxRingMessage, handle: time.Minute,
	newReq:    func() *pb.RingRequest { return new(pb.RingRequest) },
	newResp:   func() *pb.RingResponse { return new(pb.RingResponse) },
	checkReq:  check.RingRequest,
	checkResp: check.RingResponse,
	setStatus: func(r *pb.RingResponse, a answerStatus) {
		r.Status, r.Message, r.RetryAfterMs = a.status, a.words, a.retryAfterMS
	},
	status: func(r *pb.RingResponse) error {
		return errorOf(answerStatus{r.GetStatus(), r.GetMessage(), nil, r.GetRetryAfterMs()})
	},
}

var bootstrapTalk = talk[*pb.BootstrapRequest, *pb.BootstrapResponse]{
	id: BootstrapID, service: "p2pchord.bootstrap", limit: MaxBootstrapMessage, handle: time.Minute,
	newReq:    func() *pb.BootstrapRequest { return new(pb.BootstrapRequest) },
	newResp:   func() *pb.BootstrapResponse { return new(pb.BootstrapResponse) },
	checkReq:  check.BootstrapRequest,
	checkResp: check.BootstrapResponse,
	setStatus: func(r *pb.BootstrapResponse, a answerStatus) {
		r.Status, r.Message, r.RetryAfterMs = a.status, a.words, a.retryAfterMS
	},
	status: func(r *pb.BootstrapResponse) error {
		return errorOf(answerStatus{r.GetStatus(), r.GetMessage(), nil, r.GetRetryAfterMs()})
	},
}

var fileTalk = talk[*pb.FileRequest, *pb.FileResponse]{
	id: FileID, service: "p2pchord.file", limit: MaxFileMessage, handle: 15 * time.Minute,
	newReq:    func() *pb.FileRequest { return new(pb.FileRequest) },
	newResp:   func() *pb.FileResponse { return new(pb.FileResponse) },
	checkReq:  check.FileRequest,
	checkResp: check.FileResponse,
	setStatus: func(r *pb.FileResponse, a answerStatus) {
		r.Status, r.Message, r.Better, r.RetryAfterMs = a.status, a.words, a.better, a.retryAfterMS
	},
	status: func(r *pb.FileResponse) error {
		return errorOf(answerStatus{r.GetStatus(), r.GetMessage(), r.GetBetter(), r.GetRetryAfterMs()})
	},
}
