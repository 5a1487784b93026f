package protocol

import (
	"time"

	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

// The protocol IDs. A change that an older peer can't ignore gets a new version.
const (
	RingID      protocol.ID = "/p2pchord/ring/1.0.0"
	FileID      protocol.ID = "/p2pchord/file/1.0.0"
	BootstrapID protocol.ID = "/p2pchord/bootstrap/1.0.0"
	InstanceID  protocol.ID = "/p2pchord/instance/1.0.0"
)

// Limits of messages, in bytes without the length before them.
const (
	MaxRingMessage      = 1 << 20
	MaxBootstrapMessage = 1 << 20
	MaxFileMessage      = 4 << 20
	MaxInstanceMessage  = 16 << 10

	// MaxBody is the most raw bytes that follow one message: the largest block.
	MaxBody = signed.MaxBody
	// MaxImmediateBody is the most raw bytes that follow a request without an offer
	// before them. It fits into the first window of every stream multiplexer in use.
	MaxImmediateBody = check.MaxImmediateBody
)

// Limits of what messages hold.
const (
	MaxName   = signed.MaxName   // bytes of a file name
	MaxPeerID = signed.MaxPeerID // bytes of a peer ID; those in use have 34 to 42
	// bytes of a ring signature, or of a record's; RSA-4096 has 512
	MaxPeerProof = signed.MaxPeerProof
	MaxEnvelope  = signed.MaxEnvelope // bytes of a signed peer record, libp2p's own limit
	MaxStamp     = check.MaxStamp     // bytes of a stamp
	MaxPeers     = check.MaxPeers     // peers in one list of a message, but for a roster
	MaxHops      = check.MaxHops      // peers that a lookup may be passed on to
	MaxHashes    = check.MaxHashes    // hashes in a Have
	MaxRetracted = check.MaxRetracted // records in a Retract
	// items in a Pull, a Release or an answer to Inventory, and files in a Listed
	MaxItems    = check.MaxItems
	MaxSiblings = check.MaxSiblings // siblings of a record in one answer
	MaxRoster   = check.MaxRoster   // peers in one part of a roster
	MaxMessage  = 4096              // bytes of the message beside a status
	HashSize    = signed.HashSize   // bytes of a BLAKE3-256 hash
	SumSize     = check.SumSize     // bytes of a digest's sum
	MaxTimeout  = check.MaxTimeout  // milliseconds that a lookup may ask for
)

// spec is what sets one protocol apart from the others, for both ends.
type spec[Req, Resp proto.Message] struct {
	id      protocol.ID
	service string // the resource manager's name for it
	limit   int    // bytes of a message
	handle  time.Duration

	newReq    func() Req
	newResp   func() Resp
	checkReq  func(from check.Asker, req Req) error
	checkResp func(req Req, resp Resp) error
	needs     func(req Req) operations // of which one has to be allowed; nil: none
	setStatus func(resp Resp, a answerStatus)
	status    func(resp Resp) error // the error that its status stands for
}

var ringSpec = spec[*pb.RingRequest, *pb.RingResponse]{
	id: RingID, service: "p2pchord.ring", limit: MaxRingMessage, handle: time.Minute,
	newReq:    func() *pb.RingRequest { return new(pb.RingRequest) },
	newResp:   func() *pb.RingResponse { return new(pb.RingResponse) },
	checkReq:  check.RingRequest,
	checkResp: check.RingResponse,
	needs:     ringOperations,
	setStatus: func(r *pb.RingResponse, a answerStatus) {
		r.Status, r.Message, r.RetryAfterMs = a.status, a.message, a.retryAfterMS
	},
	status: func(r *pb.RingResponse) error {
		return errorOf(answerStatus{r.GetStatus(), r.GetMessage(), nil, r.GetRetryAfterMs()})
	},
}

var bootstrapSpec = spec[*pb.BootstrapRequest, *pb.BootstrapResponse]{
	id: BootstrapID, service: "p2pchord.bootstrap", limit: MaxBootstrapMessage, handle: time.Minute,
	newReq:    func() *pb.BootstrapRequest { return new(pb.BootstrapRequest) },
	newResp:   func() *pb.BootstrapResponse { return new(pb.BootstrapResponse) },
	checkReq:  check.BootstrapRequest,
	checkResp: check.BootstrapResponse,
	needs:     bootstrapOperations,
	setStatus: func(r *pb.BootstrapResponse, a answerStatus) {
		r.Status, r.Message, r.RetryAfterMs = a.status, a.message, a.retryAfterMS
	},
	status: func(r *pb.BootstrapResponse) error {
		return errorOf(answerStatus{r.GetStatus(), r.GetMessage(), nil, r.GetRetryAfterMs()})
	},
}

var fileSpec = spec[*pb.FileRequest, *pb.FileResponse]{
	id: FileID, service: "p2pchord.file", limit: MaxFileMessage, handle: 15 * time.Minute,
	newReq:    func() *pb.FileRequest { return new(pb.FileRequest) },
	newResp:   func() *pb.FileResponse { return new(pb.FileResponse) },
	checkReq:  check.FileRequest,
	checkResp: check.FileResponse,
	needs:     fileOperations,
	setStatus: func(r *pb.FileResponse, a answerStatus) {
		r.Status, r.Message, r.Better, r.RetryAfterMs = a.status, a.message, a.better, a.retryAfterMS
	},
	status: func(r *pb.FileResponse) error {
		return errorOf(answerStatus{r.GetStatus(), r.GetMessage(), r.GetBetter(), r.GetRetryAfterMs()})
	},
}
