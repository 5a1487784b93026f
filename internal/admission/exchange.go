package admission

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/protocol/admit"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// errRefused is wrapped by the errors of peers that are to be sent away.
var errRefused = errors.New("refused")

// exchange is one exchange of messages with a peer, in which both admit each other.
type exchange struct {
	*admit.Stream
	a    *Admission
	peer peer.ID
	tags admit.Exchange
	raw  libp2pnet.Stream

	lifted bool // it may send more than a peer that isn't admitted
}

func (a *Admission) newExchange(s libp2pnet.Stream, rw io.ReadWriter, dialed bool) *exchange {
	self, other := a.host.ID(), s.Conn().RemotePeer()
	x := &exchange{
		Stream: admit.NewStream(rw, admit.MaxProbation), a: a, peer: other, raw: s,
		tags: admit.Exchange{Network: a.network.ID(), Dialer: other, Listener: self},
	}
	if dialed {
		x.tags.Dialer, x.tags.Listener = self, other
	}
	return x
}

// openStream opens a stream over a connection. What is asked for is sent with the first message.
func openStream(ctx context.Context, c libp2pnet.Conn, id protocol.ID) (libp2pnet.Stream, io.ReadWriter, error) {
	s, err := c.NewStream(libp2pnet.WithAllowLimitedConn(ctx, "admission"))
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(s.SetDeadline(time.Now().Add(provedWithin)), s.SetProtocol(id)); err != nil {
		_ = s.Reset()
		return nil, nil, err
	}
	return s, multistream.NewMSSelect(s, id), nil
}

// dial is the side of the exchange that opened the stream.
func (a *Admission) dial(ctx context.Context, c libp2pnet.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeWithin)
	defer cancel()
	s, rw, err := openStream(ctx, c, admit.ID)
	if err != nil {
		return a.failed(c.RemotePeer(), err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	x := a.newExchange(s, rw, true)
	if err := x.dial(); err != nil {
		_ = s.Reset()
		return a.failed(x.peer, err)
	}
	return s.Close()
}

// farewell tells a peer that it was revoked, so that it need not find out by trying. It gets the
// statements that say so, and nothing else.
func (a *Admission) farewell(ctx context.Context, c libp2pnet.Conn) error {
	s, rw, err := openStream(ctx, c, admit.ID)
	if err != nil {
		return err
	}
	defer s.Reset() //nolint:errcheck // it is of no more use
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	x := a.newExchange(s, rw, true)
	if err := x.greet(); err != nil {
		return err
	}
	if _, err := x.prove(); err != nil {
		return err
	}
	if _, err := x.pull(); err != nil {
		return err
	}
	m := &pb.AdmitSync{Statements: a.revocations(x.peer), Digest: &pb.NetworkDigest{}}
	if err := x.Write(syncMessage(m)); err != nil {
		return err
	}
	_, err = x.takeAll() // it has taken them
	return err
}

// dial takes the steps of the side that opened the stream.
func (x *exchange) dial() error {
	if err := x.greet(); err != nil {
		return err
	}
	theirs, err := x.prove()
	if err != nil {
		return err
	}
	wanted := x.a.wanted()
	if theirs != x.a.network.Digest() || len(wanted) > 0 {
		heads, err := x.pull()
		if err != nil {
			return err
		}
		if !x.a.Known(x.peer) {
			return errNoMember
		}
		if theirs, err = x.push(heads, wanted); err != nil {
			return err
		}
	}
	if !x.a.Known(x.peer) {
		return errNoMember
	}
	x.a.mark(x.peer, theirs, true) // before the peer hears of it, and opens streams
	return x.Write(&pb.AdmitMessage{Body: &pb.AdmitMessage_End{End: &pb.AdmitEnd{}}})
}

// greet exchanges hellos.
func (x *exchange) greet() error {
	x.tags.DialerNonce = newNonce()
	if err := x.Write(hello(x.tags.DialerNonce, x.tags.Tag(admit.Hello))); err != nil {
		return err
	}
	m, err := x.read(admit.MaxShort)
	if err != nil {
		return err
	}
	x.tags.ListenerNonce = m.GetHello().GetNonce()
	if !x.tags.Verify(admit.Answer, m.GetHello().GetTag()) {
		return errNoMember
	}
	return nil
}

// prove shows the peer that this one is a member, and returns the digest of what it has.
func (x *exchange) prove() (theirs network.Digest, err error) {
	chain := x.a.chain()
	own := x.a.network.Digest()
	err = x.Write(proof(&pb.AdmitProof{Tag: x.tags.Tag(admit.Proof), Digest: admit.Digest(own), Heads: admit.Heads(x.a.headsOf(chain))}))
	if err != nil {
		return theirs, err
	}
	p, err := x.readProof()
	if err != nil {
		return theirs, err
	}
	if !p.GetAdmitted() {
		err = inParts(x.a.ofIssuers(chain, admit.HeadsOf(p.GetHeads())), func(part [][]byte, more bool) error {
			return x.Write(proof(&pb.AdmitProof{Statements: part, More: more}))
		})
		if err != nil {
			return theirs, err
		}
		if p, err = x.readProof(); err != nil {
			return theirs, err
		}
	}
	if !p.GetAdmitted() {
		return theirs, fmt.Errorf("%w: the peer goes on asking", admit.ErrInvalid)
	}
	return admit.DigestOf(p.GetDigest()), x.raw.SetDeadline(time.Now().Add(exchangeWithin))
}

// pull takes the statements that this peer lacks, and returns the heads of the other.
func (x *exchange) pull() ([]network.Head, error) {
	if err := x.Write(syncMessage(&pb.AdmitSync{Heads: admit.Heads(x.a.network.Heads())})); err != nil {
		return nil, err
	}
	m, err := x.takeAll()
	return admit.HeadsOf(m.GetHeads()), err
}

// push sends what the peer lacks, takes the attachments that this one wants, and returns the digest
// of what the peer has then.
func (x *exchange) push(theirs []network.Head, wanted [][]byte) (network.Digest, error) {
	err := inParts(x.a.missing(theirs), func(part [][]byte, more bool) error {
		m := &pb.AdmitSync{Statements: part, More: more}
		if !more {
			m.Wanted, m.Digest = wanted, admit.Digest(x.a.network.Digest())
		}
		return x.Write(syncMessage(m))
	})
	if err != nil {
		return network.Digest{}, err
	}
	m, err := x.takeAll()
	return admit.DigestOf(m.GetDigest()), err
}

// takeAll takes statements until the last part, which it returns.
func (x *exchange) takeAll() (*pb.AdmitSync, error) {
	for {
		if x.a.Known(x.peer) {
			x.lift()
		}
		m, err := x.read(admit.MaxSync)
		if err != nil {
			return nil, err
		}
		s := m.GetSync()
		if s == nil {
			return nil, fmt.Errorf("%w: it is not the one that is due", admit.ErrInvalid)
		}
		x.take(s.GetStatements())
		if !s.GetMore() {
			return s, nil
		}
	}
}

// take adds statements. Who isn't known to be a member may send as much as turns out to be new: it
// is signed by the network's issuers.
func (x *exchange) take(statements [][]byte) {
	var added int
	var err error
	known := x.a.Known(x.peer)
	if known {
		added, err = x.a.network.Add(statements)
	} else {
		added, err = x.a.network.AddUntrusted(statements, x.a.now())
	}
	if err != nil {
		log.Debugw("statements of a peer", "peer", x.peer, "err", err)
	}
	if added > 0 && !known {
		for _, raw := range statements {
			x.Left += len(raw)
		}
	}
}

// lift lets an admitted peer send more.
func (x *exchange) lift() {
	if !x.lifted {
		x.lifted = true
		x.Left = admit.MaxExchange
	}
}

func (x *exchange) read(limit int) (*pb.AdmitMessage, error) {
	m := new(pb.AdmitMessage)
	return m, x.Read(m, limit)
}

func (x *exchange) readProof() (*pb.AdmitProof, error) {
	m, err := x.read(admit.MaxProbation)
	if err != nil {
		return nil, err
	}
	if m.GetProof() == nil {
		return nil, fmt.Errorf("%w: it is not the one that is due", admit.ErrInvalid)
	}
	return m.GetProof(), nil
}

func newNonce() []byte {
	nonce := make([]byte, admit.NonceSize)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return nonce
}

func hello(nonce, tag []byte) *pb.AdmitMessage {
	return &pb.AdmitMessage{Body: &pb.AdmitMessage_Hello{Hello: &pb.AdmitHello{Nonce: nonce, Tag: tag}}}
}

func proof(p *pb.AdmitProof) *pb.AdmitMessage {
	return &pb.AdmitMessage{Body: &pb.AdmitMessage_Proof{Proof: p}}
}

func syncMessage(s *pb.AdmitSync) *pb.AdmitMessage {
	return &pb.AdmitMessage{Body: &pb.AdmitMessage_Sync{Sync: s}}
}
