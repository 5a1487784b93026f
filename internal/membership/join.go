package membership

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/invitation"
	"github.com/p2pchord/p2pchord/network/statement"
)

// joiningName is the file with the Grant that a newcomer has signed, until it is a member. If it
// has to ask again it sends the same one: another would be a fork.
const joiningName = "joining"

// Joining is a machine that joins a network: it has a code, and no network yet. It is used by one
// goroutine.
type Joining struct {
	n       *Network
	secret  invitation.Secret
	network statement.NetworkID // zero if the code is short
	label   Label
}

// Label is what members call a newcomer.
type Label struct {
	Chosen  string // in place of the invitation's
	Default string // if neither is there
}

// Join begins to join a network by a code, from the data folder dir. The network of a short code is
// zero. The error is of the kind fault.NotAllowed if the folder has a network already.
func Join(dir string, identity crypto.PrivKey, s invitation.Secret, id statement.NetworkID, label Label) (*Joining, error) {
	n, err := Open(dir, identity)
	if err == nil {
		return nil, fault.New(fault.NotAllowed, "the data folder %s belongs to the private network %q already: give another --data", dir, n.Name())
	}
	if !errors.Is(err, ErrNone) {
		return nil, err
	}
	if n, err = prepare(dir, identity); err != nil {
		return nil, err
	}
	if err := durable.MakeFolder(n.dir, 0o700); err != nil {
		return nil, err
	}
	if err := durable.Sweep(n.dir); err != nil {
		return nil, err
	}
	return &Joining{n: n, secret: s, network: id, label: label}, n.readKeys()
}

// Ask returns what the first request to a peer has.
func (j *Joining) Ask(member peer.ID) (hint, proof []byte) {
	h := invitation.HintOf(j.secret.Public())
	return h[:], j.secret.Prove(string(j.n.self), string(member))
}

// Accept verifies what a peer offers, and returns the Grant that the second request has. It is
// durable by then. Errors are of the kinds fault.NotAllowed if the offer is not that of the code,
// and fault.Integrity if it is not valid.
func (j *Joining) Accept(offer [][]byte, now time.Time) ([]byte, error) {
	all, err := parse(offer)
	if err != nil {
		return nil, err
	}
	if len(all) != 2 {
		return nil, fault.New(fault.Integrity, "the peer offers %d statements, not two", len(all))
	}
	i, ok := all[1].Content().(*statement.Invite)
	if _, begins := all[0].Content().(*statement.Genesis); !ok || !begins {
		return nil, fault.New(fault.Integrity, "the peer offers no invitation")
	}
	id := all[0].Network()
	if all[1].Network() != id || !j.network.IsZero() && j.network != id {
		return nil, fault.New(fault.NotAllowed, "the peer offers another network than that of the code: don't join through it")
	}
	if err := j.secret.Verify(i, id); err != nil {
		return nil, err
	}
	j.network = id
	if raw, ok := j.earlier(); ok {
		return raw, nil
	}
	k := j.n.keys.Load()
	st, err := j.secret.Grant(i, id, invitation.Newcomer{
		Identity: j.n.identity, SealKey: k.seal.PublicKey().Bytes(), StatementKey: statement.KeyOf(k.statement),
		Label: cmp.Or(j.label.Chosen, i.Label, j.label.Default), TimeMS: millis(now),
	})
	if err != nil {
		return nil, err
	}
	raw := st.Encode(false)
	if err := durable.WriteFile(j.n.file(joiningName), raw, 0o600); err != nil {
		return nil, fault.New(writeCode(err), "can't join: %w", err)
	}
	return raw, nil
}

// earlier returns the Grant that this machine has signed with the code before.
func (j *Joining) earlier() ([]byte, bool) {
	raw, err := os.ReadFile(j.n.file(joiningName))
	if err != nil {
		return nil, false
	}
	st, err := statement.Parse(raw)
	if err != nil || st.Issuer() != j.secret.Public() || st.Network() != j.network {
		return nil, false
	}
	g, ok := st.Content().(*statement.Grant)
	return raw, ok && g.Peer == statement.Peer(j.n.self) && bytes.Equal(g.SealKey, j.n.keys.Load().seal.PublicKey().Bytes())
}

// Complete takes in the statements of the network, by which this peer is a member, and keeps them
// with the addresses to use from now on. The error is of the kind fault.NotAllowed if the peer is
// no member by them.
func (j *Joining) Complete(statements [][]byte, addrs []string, now time.Time) (*Network, error) {
	all, err := parse(statements)
	if err != nil {
		return nil, err
	}
	n := j.n
	n.id = j.network
	if n.set, err = newSet(n.id, all); err != nil {
		return nil, fault.New(fault.Integrity, "the peer sent statements that are not the network's: %w", err)
	}
	n.publish(now)
	if _, ok := n.Member(n.self); !ok {
		return nil, j.refused()
	}
	if err := n.KeepAddresses(addrs); err != nil {
		return nil, err
	}
	if err := n.begin(n.set); err != nil {
		return nil, err
	}
	if err := os.Remove(n.file(joiningName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Failed, "can't tidy up after joining: %w", err)
	}
	return n, nil
}

// refused says why the statements don't make this peer a member.
func (j *Joining) refused() error {
	if j.n.Revoked(j.n.self) {
		return fault.New(fault.NotAllowed, "this peer was revoked: join with a new data folder")
	}
	for _, i := range j.n.State().Invites {
		if i.Key == j.secret.Public() && i.Use == network.UsedTwice {
			return usable(i, time.Time{})
		}
	}
	return fault.New(fault.NotAllowed, "the network doesn't take the invitation: whoever made it may be no admin any more; ask for a new one")
}

// Self returns this peer.
func (j *Joining) Self() peer.ID { return j.n.self }
