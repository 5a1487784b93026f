package membership

import (
	"bytes"
	"crypto/rand"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Terms are what an invitation gives.
type Terms struct {
	Roles statement.Roles
	Label string        // of the newcomer, who may choose another
	Place string        // of a newcomer that stores; NewPlace if empty
	Until time.Time     // when the invitation expires
	Grant time.Duration // how long the membership lasts, from Until on; 0: without end
}

// Invite makes an invitation and returns its secret, which nobody keeps. The error is of the kind
// fault.NotAllowed if this peer is no admin.
func (n *Network) Invite(t Terms, now time.Time) (s invitation.Secret, err error) {
	_, _ = rand.Read(s[:]) // never fails
	i := &statement.Invite{Roles: t.Roles, Label: t.Label, NotAfterMS: millis(t.Until)}
	if t.Roles.Has(statement.Store) {
		if i.Place = t.Place; i.Place == "" {
			i.Place = NewPlace()
		}
	}
	if t.Grant > 0 {
		i.GrantNotAfterMS = millis(t.Until.Add(t.Grant))
	}
	s.Complete(i, n.id)
	if _, err := n.Issue(i, now); err != nil {
		return invitation.Secret{}, err
	}
	return s, nil
}

// Offer answers the first request of a newcomer, which has a hint of its code, and a proof that it
// has the code: with the genesis and the statement that has the Invite. The errors are of the kinds
// fault.NotFound without such an invitation or proof, which is all that a stranger learns, and
// fault.NotAllowed if it was used, withdrawn, or has expired.
func (n *Network) Offer(newcomer peer.ID, hint, proof []byte, now time.Time) ([][]byte, error) {
	i, err := n.invitation(func(i network.Invitation) bool {
		have := invitation.HintOf(i.Key)
		return bytes.Equal(have[:], hint) && invitation.IsProof(i.Key, string(newcomer), string(n.self), proof)
	})
	if err != nil {
		return nil, err
	}
	if i.Use != network.Used { // the peer that has used one may ask for it again
		if err := usable(i, now); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return [][]byte{n.set.All()[0].Encode(false), n.set.Get(i.Statement).Encode(false)}, nil
}

// Admit answers the second request of a newcomer, which has the Grant that it made: with all
// statements of the network. Errors are those of Offer, and of the kind fault.Integrity for a
// statement that is not valid. The same Grant may come again.
func (n *Network) Admit(newcomer peer.ID, grant []byte, now time.Time) ([][]byte, error) {
	st, err := statement.Parse(grant)
	if err != nil {
		return nil, err
	}
	n.admitting.Lock() // between looking whether a code is used, and using it
	defer n.admitting.Unlock()
	g, ok := st.Content().(*statement.Grant)
	if !ok || st.Network() != n.id || g.Peer != statement.Peer(newcomer) {
		return nil, fault.New(fault.NotAllowed, "this is no grant of the network for the peer that sends it")
	}
	i, err := n.invitation(func(i network.Invitation) bool { return i.Key == st.Issuer() })
	if err != nil {
		return nil, err
	}
	if i.Use != network.Used || i.UsedBy != g.Peer {
		if err := usable(i, now); err != nil {
			return nil, err
		}
	}
	if n.Statement(st.ID()) == nil {
		if i.Use == network.Used {
			return nil, used()
		}
		if _, err := n.Add([][]byte{grant}); err != nil {
			return nil, err
		}
	}
	if s := n.State(); len(s.Revoked[g.Peer]) > 0 {
		return nil, fault.New(fault.NotAllowed, "this peer was revoked: join with a new data folder")
	} else if _, ok := s.Members[g.Peer]; !ok {
		return nil, fault.New(fault.NotAllowed, "the invitation doesn't give what the grant has")
	}
	return n.Missing(nil), nil
}

func (n *Network) invitation(is func(network.Invitation) bool) (network.Invitation, error) {
	if s := n.State(); s != nil {
		for _, i := range s.Invites {
			if is(i) {
				return i, nil
			}
		}
	}
	return network.Invitation{}, fault.New(fault.NotFound, "no such invitation")
}

// usable returns why an invitation can't be used, or nil.
func usable(i network.Invitation, now time.Time) error {
	switch {
	case i.Use == network.Used:
		return used()
	case i.Use == network.UsedTwice:
		return fault.New(fault.NotAllowed, "the code was used by two machines, so neither is in: ask for a new one, and say so")
	case i.Use == network.Withdrawn:
		return fault.New(fault.NotAllowed, "the code was withdrawn: ask for a new one")
	case i.NotAfterMS > 0 && millis(now) > i.NotAfterMS:
		return fault.New(fault.NotAllowed, "the code has expired: ask for a new one")
	}
	return nil
}

func used() error {
	return fault.New(fault.NotAllowed, "the code was used already, and each lets in one machine: ask for a new one")
}
