package statement

import "github.com/p2pchord/p2pchord/protocol/pb"

func bodyOf(issuer Key, h Header, c Content) *pb.StatementBody {
	b := &pb.StatementBody{Issuer: keyBytes(issuer), Seq: h.Seq, Previous: idBytes(h.Previous), TimeMs: h.TimeMS, Network: idBytes(ID(h.Network))}
	switch c := c.(type) {
	case *Genesis:
		g := &pb.Genesis{Name: c.Name, Salt: c.Salt[:], Quorum: uint32(c.Quorum), Policy: policyOf(&c.Policy)}
		for _, k := range c.Recovery {
			g.Recovery = append(g.Recovery, keyBytes(k))
		}
		b.What = &pb.StatementBody_Genesis{Genesis: g}
	case *Grant:
		b.What = &pb.StatementBody_Grant{Grant: &pb.Grant{
			Peer: []byte(c.Peer), Roles: uint32(c.Roles), SealKey: c.SealKey, StatementKey: keyBytes(c.StatementKey), Label: c.Label, Place: c.Place,
			NotAfterMs: c.NotAfterMS, NarrowedTo: c.NarrowedTo, Serial: c.Serial, Consent: c.Consent,
		}}
	case *Revoke:
		b.What = &pb.StatementBody_Revoke{Revoke: &pb.Revoke{Peer: []byte(c.Peer), Cuts: cutsOf(c.Cuts), Why: c.Why}}
	case *Invite:
		b.What = &pb.StatementBody_Invite{Invite: &pb.Invite{
			Key: keyBytes(c.Key), Roles: uint32(c.Roles), NotAfterMs: c.NotAfterMS, Place: c.Place, Check: c.Check, Label: c.Label,
			GrantNotAfterMs: c.GrantNotAfterMS,
		}}
	case *Keys:
		b.What = &pb.StatementBody_Keys{Keys: &pb.Keys{
			Epoch: c.Epoch, Vault: c.Vault[:], AttachmentHash: c.AttachmentHash[:], AttachmentSize: uint32(c.AttachmentSize),
		}}
	case *Policy:
		b.What = &pb.StatementBody_Policy{Policy: policyOf(c)}
	case *NewRoot:
		n := &pb.NewRoot{Order: c.order}
		if n.Order == nil {
			n.Order = mustMarshal(orderOf(c.Order))
		}
		for _, a := range c.Approvals {
			n.Approvals = append(n.Approvals, &pb.Approval{Key: keyBytes(a.Key), Signature: a.Signature})
		}
		b.What = &pb.StatementBody_NewRoot{NewRoot: n}
	}
	return b
}

func orderOf(o RootOrder) *pb.RootOrder {
	return &pb.RootOrder{Network: idBytes(ID(o.Network)), Root: keyBytes(o.Root), Generation: o.Generation, Cuts: cutsOf(o.Cuts)}
}

func policyOf(p *Policy) *pb.Policy {
	return &pb.Policy{Serial: p.Serial, Closed: p.Closed, ClosedFromMs: p.ClosedFromMS, HideFolders: p.HideFolders, Pad: p.Pad, CarefulDays: p.CarefulDays}
}

func cutsOf(cuts []Cut) (out []*pb.Cut) {
	for _, c := range cuts {
		out = append(out, &pb.Cut{Issuer: keyBytes(c.Issuer), KeepSeq: c.KeepSeq, Keep: idBytes(c.Keep)})
	}
	return out
}

// keyBytes is empty for the zero key.
func keyBytes(k Key) []byte {
	if k.IsZero() {
		return nil
	}
	return k[:]
}

// idBytes is empty for the zero ID.
func idBytes(id ID) []byte {
	if id.IsZero() {
		return nil
	}
	return id[:]
}
