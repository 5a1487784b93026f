package statement

import (
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// read takes over what a body says, and checks the form of it.
func (s *Statement) read(b *pb.StatementBody) error {
	var err error
	if s.issuer, err = readKey("issuer", b.GetIssuer()); err != nil {
		return err
	}
	if s.content, err = readContent(b); err != nil {
		return err
	}
	if err := checkContent(s.content); err != nil {
		return err
	}
	_, begins := s.content.(*Genesis)
	switch {
	case b.GetSeq() == 0:
		return malformed("it has no number")
	case (b.GetSeq() == 1) != (len(b.GetPrevious()) == 0):
		return malformed("number %d has a previous statement of %d bytes", b.GetSeq(), len(b.GetPrevious()))
	case begins && (b.GetSeq() != 1 || len(b.GetNetwork()) != 0):
		return malformed("it begins a network, but is number %d of its issuer, or names a network", b.GetSeq())
	}
	if b.GetSeq() > 1 {
		if s.previous, err = readID("previous statement", b.GetPrevious()); err != nil {
			return err
		}
	}
	s.network = NetworkID(s.id)
	if !begins {
		id, err := readID("network", b.GetNetwork())
		if err != nil {
			return err
		}
		s.network = NetworkID(id)
	}
	return nil
}

func readContent(b *pb.StatementBody) (Content, error) {
	switch w := b.GetWhat().(type) {
	case *pb.StatementBody_Genesis:
		return readGenesis(w.Genesis)
	case *pb.StatementBody_Grant:
		return readGrant(w.Grant)
	case *pb.StatementBody_Revoke:
		cuts, err := readCuts(w.Revoke.GetCuts())
		return &Revoke{Peer: Peer(w.Revoke.GetPeer()), Cuts: cuts, Why: w.Revoke.GetWhy()}, err
	case *pb.StatementBody_Invite:
		i := w.Invite
		key, err := readKey("invitation's key", i.GetKey())
		return &Invite{key, Roles(i.GetRoles()), i.GetNotAfterMs(), i.GetPlace(), i.GetCheck(), i.GetLabel(), i.GetGrantNotAfterMs()}, err
	case *pb.StatementBody_Keys:
		k := &Keys{Epoch: w.Keys.GetEpoch(), AttachmentSize: int(w.Keys.GetAttachmentSize())}
		hash, err := readID("attachment's hash", w.Keys.GetAttachmentHash())
		k.AttachmentHash = hash
		if n := copy(k.Vault[:], w.Keys.GetVault()); n != VaultSize || len(w.Keys.GetVault()) != VaultSize {
			return nil, malformed("its vault has %d bytes, not %d", len(w.Keys.GetVault()), VaultSize)
		}
		return k, err
	case *pb.StatementBody_Policy:
		p := readPolicy(w.Policy)
		return &p, nil
	case *pb.StatementBody_NewRoot:
		return readNewRoot(w.NewRoot)
	}
	return &Unknown{}, nil
}

func readGenesis(m *pb.Genesis) (Content, error) {
	g := &Genesis{Name: m.GetName(), Quorum: int(m.GetQuorum()), Policy: readPolicy(m.GetPolicy())}
	if n := copy(g.Salt[:], m.GetSalt()); n != SaltSize || len(m.GetSalt()) != SaltSize {
		return nil, malformed("its salt has %d bytes, not %d", len(m.GetSalt()), SaltSize)
	}
	if n := len(m.GetRecovery()); n > MaxRecovery {
		return nil, malformed("it has %d recovery keys, more than %d", n, MaxRecovery)
	}
	for _, raw := range m.GetRecovery() {
		k, err := readKey("recovery key", raw)
		if err != nil {
			return nil, err
		}
		g.Recovery = append(g.Recovery, k)
	}
	return g, nil
}

func readGrant(m *pb.Grant) (Content, error) {
	g := &Grant{
		Peer: Peer(m.GetPeer()), Roles: Roles(m.GetRoles()), SealKey: m.GetSealKey(), Label: m.GetLabel(), Place: m.GetPlace(),
		NotAfterMS: m.GetNotAfterMs(), NarrowedTo: m.GetNarrowedTo(), Serial: m.GetSerial(), Consent: m.GetConsent(),
	}
	var err error
	if len(m.GetStatementKey()) > 0 {
		g.StatementKey, err = readKey("statement key", m.GetStatementKey())
	}
	return g, err
}

func readPolicy(m *pb.Policy) Policy {
	return Policy{m.GetSerial(), m.GetClosed(), m.GetClosedFromMs(), m.GetHideFolders(), m.GetPad(), m.GetCarefulDays()}
}

func readNewRoot(m *pb.NewRoot) (Content, error) {
	order := new(pb.RootOrder)
	if err := proto.Unmarshal(m.GetOrder(), order); err != nil {
		return nil, malformed("its order can't be decoded")
	}
	network, err := readID("order's network", order.GetNetwork())
	if err != nil {
		return nil, err
	}
	root, err := readKey("new root", order.GetRoot())
	if err != nil {
		return nil, err
	}
	cuts, err := readCuts(order.GetCuts())
	if err != nil {
		return nil, err
	}
	n := &NewRoot{Order: RootOrder{NetworkID(network), root, order.GetGeneration(), cuts}, order: m.GetOrder()}
	if len(m.GetApprovals()) > MaxRecovery {
		return nil, malformed("it has %d approvals, more than %d", len(m.GetApprovals()), MaxRecovery)
	}
	for _, a := range m.GetApprovals() {
		k, err := readKey("approving key", a.GetKey())
		if err != nil {
			return nil, err
		}
		n.Approvals = append(n.Approvals, Approval{k, a.GetSignature()})
	}
	return n, nil
}

func readCuts(cuts []*pb.Cut) (out []Cut, err error) {
	if len(cuts) > MaxCuts {
		return nil, malformed("it cuts off %d issuers, more than %d", len(cuts), MaxCuts)
	}
	for _, m := range cuts {
		c := Cut{KeepSeq: m.GetKeepSeq()}
		if c.Issuer, err = readKey("issuer that is cut off", m.GetIssuer()); err != nil {
			return nil, err
		}
		if (c.KeepSeq == 0) != (len(m.GetKeep()) == 0) {
			return nil, malformed("it keeps number %d of an issuer, named by %d bytes", c.KeepSeq, len(m.GetKeep()))
		}
		if c.KeepSeq > 0 {
			if c.Keep, err = readID("last statement kept", m.GetKeep()); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
	}
	return out, nil
}

func readKey(what string, raw []byte) (k Key, err error) {
	if len(raw) != len(k) {
		return k, malformed("the %s has %d bytes, not %d", what, len(raw), len(k))
	}
	copy(k[:], raw)
	if k.IsZero() {
		return k, malformed("the %s is zero", what)
	}
	return k, nil
}

func readID(what string, raw []byte) (id ID, err error) {
	if len(raw) != HashSize {
		return id, malformed("the %s has %d bytes, not %d", what, len(raw), HashSize)
	}
	copy(id[:], raw)
	if id.IsZero() {
		return id, malformed("the %s is zero", what)
	}
	return id, nil
}

var deterministic = proto.MarshalOptions{Deterministic: true}

func mustMarshal(m proto.Message) []byte {
	raw, err := deterministic.Marshal(m)
	if err != nil {
		panic(err) // only text that is not UTF-8 can't be encoded, and m has no text
	}
	return raw
}
