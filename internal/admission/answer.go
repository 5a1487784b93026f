package admission

import (
	"fmt"
	"time"

	libp2pnet "github.com/libp2p/go-libp2p/core/network"

	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/admit"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// answer is the side of an exchange that did not open the stream. It says nothing to a peer that
// doesn't know the network.
func (a *Admission) answer(s libp2pnet.Stream) error {
	x := a.newExchange(s, s, false)
	if err := s.SetDeadline(time.Now().Add(provedWithin)); err != nil {
		return err
	}
	p, err := x.admit()
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return x.serve(admit.DigestOf(p.GetDigest()))
}

// admit takes the steps until the peer is admitted, and returns its first proof.
func (x *exchange) admit() (*pb.AdmitProof, error) {
	m, err := x.read(admit.MaxShort)
	if err != nil {
		return nil, err
	}
	x.tags.DialerNonce = m.GetHello().GetNonce()
	if !x.tags.Verify(admit.Hello, m.GetHello().GetTag()) {
		return nil, errNoMember
	}
	x.tags.ListenerNonce = newNonce()
	if err := x.Write(hello(x.tags.ListenerNonce, x.tags.Tag(admit.Answer))); err != nil {
		return nil, err
	}
	p, err := x.readProof()
	if err != nil {
		return nil, err
	}
	if !x.tags.Verify(admit.Proof, p.GetTag()) {
		return nil, errNoMember
	}
	select {
	case <-x.a.settled:
	case <-x.a.ctx.Done():
		return nil, x.a.ctx.Err()
	}
	if !x.a.Known(x.peer) {
		if err := x.ask(p); err != nil {
			return nil, err
		}
	}
	own := x.a.network.Digest()
	x.a.mark(x.peer, admit.DigestOf(p.GetDigest()), false) // before the peer hears of it
	return p, x.Write(proof(&pb.AdmitProof{Admitted: true, Digest: admit.Digest(own)}))
}

// ask asks a peer that isn't known for the statements that make it a member. Of what this peer has
// it tells only how much of the issuers that the other has named.
func (x *exchange) ask(p *pb.AdmitProof) error {
	named := make(map[statement.Key]bool)
	for _, h := range admit.HeadsOf(p.GetHeads()) {
		named[h.Issuer] = true
	}
	if err := x.Write(proof(&pb.AdmitProof{Heads: admit.Heads(x.a.headsOf(named))})); err != nil {
		return err
	}
	for {
		p, err := x.readProof()
		if err != nil {
			return err
		}
		x.take(p.GetStatements())
		if !p.GetMore() {
			break
		}
	}
	if !x.a.Known(x.peer) {
		return errNoMember
	}
	return nil
}

// serve exchanges statements with an admitted peer, for as long as it likes within the time, and
// notes when it admits this one. theirs is the digest of what it had.
func (x *exchange) serve(theirs network.Digest) error {
	if err := x.raw.SetDeadline(time.Now().Add(exchangeWithin)); err != nil {
		return err
	}
	x.lift()
	for asked := 0; ; asked++ {
		m, err := x.read(admit.MaxSync)
		if err != nil {
			return err
		}
		if m.GetEnd() != nil {
			x.a.mark(x.peer, theirs, true)
			return nil
		}
		s := m.GetSync()
		if s == nil || asked > 1 {
			return fmt.Errorf("%w: it is not the one that is due", admit.ErrInvalid)
		}
		if asked == 0 {
			err = x.give(admit.HeadsOf(s.GetHeads()))
		} else {
			theirs, err = x.receive(s)
		}
		if err != nil {
			return err
		}
	}
}

// give sends what the peer lacks, and at last what this one has.
func (x *exchange) give(theirs []network.Head) error {
	return inParts(x.a.missing(theirs), func(part [][]byte, more bool) error {
		m := &pb.AdmitSync{Statements: part, More: more}
		if !more {
			m.Heads = admit.Heads(x.a.network.Heads())
		}
		return x.Write(syncMessage(m))
	})
}

// receive takes what this peer lacks, of which first is the first part, and sends the attachments
// that the other wants. It returns the digest of what that has.
func (x *exchange) receive(first *pb.AdmitSync) (theirs network.Digest, err error) {
	x.take(first.GetStatements())
	last := first
	if first.GetMore() {
		if last, err = x.takeAll(); err != nil {
			return theirs, err
		}
	}
	var wanted [][]byte
	for _, id := range last.GetWanted() {
		if raw := x.a.network.Statement(statement.ID(id)); raw != nil {
			wanted = append(wanted, raw)
		}
	}
	err = inParts(wanted, func(part [][]byte, more bool) error {
		m := &pb.AdmitSync{Statements: part, More: more}
		if !more {
			m.Digest = admit.Digest(x.a.network.Digest())
		}
		return x.Write(syncMessage(m))
	})
	return admit.DigestOf(last.GetDigest()), err
}
