package statement

import (
	"crypto/ed25519"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What precedes signed bytes, so that a signature is valid for one purpose only.
const (
	Domain        = "p2pchord-network:"
	ConsentDomain = "p2pchord-network-consent:"
	RootDomain    = "p2pchord-network-root:"
)

// Statement is one signed entry in the history of a network. It doesn't change.
type Statement struct {
	id         ID
	body       []byte
	signature  []byte
	attachment []byte

	network  NetworkID
	issuer   Key
	seq      uint64
	previous ID
	timeMS   uint64
	content  Content
}

// ID returns the hash of the body. The signature and the attachment are no part of it.
func (s *Statement) ID() ID { return s.id }

// Network returns the network that the statement belongs to: of a genesis, the one that it begins.
func (s *Statement) Network() NetworkID { return s.network }

// Issuer returns the key that has signed the statement.
func (s *Statement) Issuer() Key { return s.issuer }

// Seq returns the statement's number in the history of its issuer, from 1.
func (s *Statement) Seq() uint64 { return s.seq }

// Previous returns the ID of the statement before; zero when Seq is 1.
func (s *Statement) Previous() ID { return s.previous }

// TimeMS returns when the issuer says that it issued the statement. That of what takes a
// role from a peer bounds which of its records count: see network.State.
func (s *Statement) TimeMS() uint64 { return s.timeMS }

// Content returns what the statement says.
func (s *Statement) Content() Content { return s.content }

// Attachment returns the bytes that a Keys names by their hash; nil if they are not at hand.
func (s *Statement) Attachment() []byte { return s.attachment }

// Size returns how many bytes body and signature have.
func (s *Statement) Size() int { return len(s.body) + len(s.signature) }

// Encode returns s as Parse reads it, with or without its attachment.
func (s *Statement) Encode(attachment bool) []byte {
	m := &pb.Statement{Body: s.body, Signature: s.signature}
	if attachment {
		m.Attachment = s.attachment
	}
	raw, err := proto.Marshal(m)
	if err != nil {
		panic(err) // three fields of bytes can always be encoded
	}
	return raw
}

// WithAttachment returns s with its attachment. Errors are of the kind fault.Integrity.
func (s *Statement) WithAttachment(attachment []byte) (*Statement, error) {
	if err := checkAttachment(s.content, attachment); err != nil {
		return nil, err
	}
	with := *s
	with.attachment = slices.Clone(attachment)
	return &with, nil
}

// WithoutAttachment returns s without its attachment.
func (s *Statement) WithoutAttachment() *Statement {
	if s.attachment == nil {
		return s
	}
	bare := *s
	bare.attachment = nil
	return &bare
}

// Parse verifies an encoded Statement. It keeps no part of raw. Errors are of the kind
// fault.Integrity.
func Parse(raw []byte) (*Statement, error) {
	if len(raw) > MaxEncoded {
		return nil, malformed("it has %d bytes, more than %d", len(raw), MaxEncoded)
	}
	m := new(pb.Statement)
	if err := proto.Unmarshal(raw, m); err != nil {
		return nil, malformed("it can't be decoded")
	}
	return verify(m)
}

func verify(m *pb.Statement) (*Statement, error) {
	if n := len(m.GetBody()) + len(m.GetSignature()); n > MaxSize {
		return nil, malformed("body and signature have %d bytes, more than %d", n, MaxSize)
	}
	body := new(pb.StatementBody)
	if err := proto.Unmarshal(m.GetBody(), body); err != nil {
		return nil, malformed("its body can't be decoded")
	}
	s := &Statement{id: blake3sum.Sum(m.GetBody()), body: m.GetBody(), signature: m.GetSignature(), timeMS: body.GetTimeMs(), seq: body.GetSeq()}
	if err := s.read(body); err != nil {
		return nil, err
	}
	if len(m.GetAttachment()) > 0 {
		if err := checkAttachment(s.content, m.GetAttachment()); err != nil {
			return nil, err
		}
		s.attachment = m.GetAttachment()
	}
	if !s.issuer.verify(text(Domain, s.body), s.signature) {
		return nil, malformed("its issuer has not signed it")
	}
	return s, s.verifyInner()
}

// Header is what a statement says beside its content.
type Header struct {
	Network  NetworkID // zero for a genesis
	Seq      uint64
	Previous ID
	TimeMS   uint64
}

// After returns the header of what the issuer of s says next. The caller adds the time.
func (s *Statement) After() Header {
	return Header{Network: s.network, Seq: s.seq + 1, Previous: s.id}
}

// New makes and signs a statement. Errors are of the kind fault.Usage.
func New(key ed25519.PrivateKey, h Header, c Content) (*Statement, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fault.New(fault.Usage, "a statement can't be signed: the key has %d bytes, not %d", len(key), ed25519.PrivateKeySize)
	}
	raw, err := deterministic.Marshal(bodyOf(KeyOf(key), h, c))
	if err != nil {
		return nil, fault.New(fault.Usage, "a statement can't be encoded: %w", err)
	}
	s, err := sign(key, raw)
	if err != nil {
		return nil, fault.New(fault.Usage, "a statement can't be made: %w", err)
	}
	return s, nil
}

func sign(key ed25519.PrivateKey, body []byte) (*Statement, error) {
	return verify(&pb.Statement{Body: body, Signature: ed25519.Sign(key, text(Domain, body))})
}

// Consent returns a peer's signature below a grant of one issuer, with the keys that the grant has.
func Consent(peer ed25519.PrivateKey, network NetworkID, issuer Key, g *Grant) []byte {
	return ed25519.Sign(peer, consentText(network, issuer, g))
}

func consentText(network NetworkID, issuer Key, g *Grant) []byte {
	keys := blake3sum.Sum(slices.Concat(g.StatementKey[:], g.SealKey))
	return text(ConsentDomain, slices.Concat(network[:], issuer[:], keys[:]))
}

// Approve returns the signature of a recovery key below an order.
func Approve(recovery ed25519.PrivateKey, o RootOrder) Approval {
	return Approval{KeyOf(recovery), ed25519.Sign(recovery, text(RootDomain, mustMarshal(orderOf(o))))}
}

func text(domain string, data []byte) []byte { return append([]byte(domain), data...) }

func malformed(format string, args ...any) error {
	return fault.New(fault.Integrity, "the statement is not valid: "+format, args...)
}
