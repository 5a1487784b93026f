package protocol

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multistream"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/internal/check"
	"github.com/p2pchord/p2pchord/protocol/internal/wire"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

const (
	// instanceDomain precedes challenge and instance where they are signed.
	instanceDomain = "p2pchord-instance:"
	// ChallengeSize is the length of a challenge in bytes.
	ChallengeSize = check.ChallengeSize
	// MaxProofs bounds the proofs in one answer.
	MaxProofs = check.MaxProofs
)

// InstanceHandler answers one request of the instance protocol; see RingHandler.
type InstanceHandler func(ctx context.Context, from peer.ID, req *pb.InstanceRequest) (*pb.InstanceResponse, error)

var instanceSpec = spec[*pb.InstanceRequest, *pb.InstanceResponse]{
	id: InstanceID, service: "p2pchord.instance", limit: MaxInstanceMessage, handle: 10 * time.Second,
	newReq:    func() *pb.InstanceRequest { return new(pb.InstanceRequest) },
	newResp:   func() *pb.InstanceResponse { return new(pb.InstanceResponse) },
	checkReq:  check.InstanceRequest,
	checkResp: check.InstanceResponse,
	setStatus: func(r *pb.InstanceResponse, a answerStatus) { r.Status, r.Message = a.status, a.message },
	status: func(r *pb.InstanceResponse) error {
		return errorOf(answerStatus{status: r.GetStatus(), message: r.GetMessage()})
	},
}

// ServeInstance answers the instance protocol.
func ServeInstance(h host.Host, opts ServeOptions, f InstanceHandler) *Service {
	return serve(h, opts, &instanceSpec, func(ctx context.Context, from peer.ID, req *pb.InstanceRequest, _ *Body) (*pb.InstanceResponse, *Payload, error) {
		resp, err := f(ctx, from, req)
		return resp, nil, err
	})
}

// AskInstance asks one request over conn itself, and no other connection to that peer: two
// processes with one identity differ only in their connections. It takes as long as ctx allows.
// Errors are of the kinds of a Client's.
func AskInstance(ctx context.Context, conn network.Conn, req *pb.InstanceRequest) (*pb.InstanceResponse, error) {
	ctx = network.WithAllowLimitedConn(ctx, "p2pchord instance")
	s, err := conn.NewStream(ctx)
	if err != nil {
		return nil, failure(ctx, conn.RemotePeer(), err, unsent)
	}
	defer func() { _ = s.Reset() }() // after the answer nothing follows on this stream
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	resp := instanceSpec.newResp()
	if err := exchangeInstance(s, req, resp); err != nil {
		return nil, failure(ctx, conn.RemotePeer(), err, sent)
	}
	return resp, instanceSpec.status(resp)
}

func exchangeInstance(s network.Stream, req *pb.InstanceRequest, resp *pb.InstanceResponse) error {
	if err := s.SetProtocol(InstanceID); err != nil {
		return err
	}
	if err := multistream.SelectProtoOrFail(InstanceID, s); err != nil {
		return err
	}
	w := wire.New(s, instanceSpec.handle)
	if err := w.WriteMessage(req, instanceSpec.limit, nil); err != nil {
		return err
	}
	size, err := w.ReadLength(instanceSpec.limit)
	if err != nil {
		return wire.Unexpected(err)
	}
	if err := w.ReadMessage(size, resp); err != nil {
		return err
	}
	return instanceSpec.checkResp(req, resp)
}

// InstanceAnswer is the answer that holds these proofs.
func InstanceAnswer(proofs ...*pb.InstanceProof) *pb.InstanceResponse {
	return &pb.InstanceResponse{Body: &pb.InstanceResponse_Proofs{Proofs: &pb.InstanceProofs{Proofs: proofs}}}
}

// SignInstance proves, to whoever chose challenge, that i runs now under key's identity.
func SignInstance(key crypto.PrivKey, challenge []byte, i *pb.Instance) (*pb.InstanceProof, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(i)
	if err != nil {
		return nil, fault.New(fault.Failed, "encode this process's instance: %w", err)
	}
	signature, err := key.Sign(signed.Text(instanceDomain, append(append([]byte(nil), challenge...), raw...)))
	if err != nil {
		return nil, fault.New(fault.Failed, "sign this process's instance: %w", err)
	}
	return &pb.InstanceProof{Instance: raw, Signature: signature}, nil
}

// VerifyInstance returns what p proves about a process under key's identity. Errors are of the
// kind fault.Integrity.
func VerifyInstance(key crypto.PubKey, challenge []byte, p *pb.InstanceProof) (*pb.Instance, error) {
	ok, err := key.Verify(signed.Text(instanceDomain, append(append([]byte(nil), challenge...), p.GetInstance()...)), p.GetSignature())
	if err != nil || !ok {
		return nil, fault.New(fault.Integrity, "the proof of an instance is not signed by its identity")
	}
	i := new(pb.Instance)
	if err := proto.Unmarshal(p.GetInstance(), i); err != nil || i.GetNonce() == 0 {
		return nil, fault.New(fault.Integrity, "the proof of an instance can't be decoded")
	}
	return i, nil
}
