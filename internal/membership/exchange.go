package membership

import (
	"cmp"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Heads returns what this machine has, by issuer. Peers whose digests differ send them to each
// other.
func (n *Network) Heads() []network.Head {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		return nil
	}
	return n.set.Heads()
}

// Missing returns the encoded statements that a peer with these heads may lack, in an order in
// which it can take each of them at once. Those that announce the data keys in use have their
// attachments.
func (n *Network) Missing(theirs []network.Head) [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		return nil
	}
	var out [][]byte
	latest := map[statement.ID]bool{}
	for _, id := range n.State().LatestKeys() {
		latest[id] = true
	}
	for _, st := range n.set.Lacks(theirs) {
		if latest[st.ID()] {
			st = n.set.Get(st.ID()) // Lacks leaves attachments out
		}
		out = append(out, st.Encode(true))
	}
	return out
}

// Statement returns the encoded statement with an ID, and its attachment if that is at hand; nil if
// it isn't known.
func (n *Network) Statement(id statement.ID) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil || n.set.Get(id) == nil {
		return nil
	}
	return n.set.Get(id).Encode(true)
}

// Add adds statements that a member sent, and returns how many were new. One that is not valid or
// doesn't fit is left out, and the first such error is returned; the others are added all the same.
// If the new ones can't be written the error says so, and they count for this run.
func (n *Network) Add(raw [][]byte) (added int, err error) {
	all, err := parse(raw)
	added, aerr := n.add(all)
	return added, cmp.Or(err, aerr)
}

// AddUntrusted is Add for statements from somebody who is not admitted: with those it proves its
// membership, or joins. A grant that was made by an invitation which has expired is left out, with
// an error of the kind fault.NotAllowed. (A member's statements are not judged by the clock, or
// members would know different ones.)
func (n *Network) AddUntrusted(raw [][]byte, now time.Time) (added int, err error) {
	all, err := parse(raw)
	var joining, rest []*statement.Statement
	for _, st := range all {
		if g, ok := st.Content().(*statement.Grant); ok && len(g.Consent) > 0 {
			joining = append(joining, st)
		} else {
			rest = append(rest, st)
		}
	}
	added, aerr := n.add(rest)
	err = cmp.Or(err, aerr)
	var timely []*statement.Statement
	for _, st := range joining {
		if n.expired(st.Issuer(), now) {
			err = cmp.Or(err, fault.New(fault.NotAllowed, "the invitation has expired: ask for a new one"))
			continue
		}
		timely = append(timely, st)
	}
	more, aerr := n.add(timely)
	return added + more, cmp.Or(err, aerr)
}

// expired reports whether a key is that of invitations that have all expired.
func (n *Network) expired(key statement.Key, now time.Time) bool {
	s := n.State()
	if s == nil {
		return false
	}
	found := false
	for _, i := range s.Invites {
		if i.Key != key {
			continue
		}
		if i.NotAfterMS == 0 || millis(now) <= i.NotAfterMS {
			return false
		}
		found = true
	}
	return found
}

// parse decodes and verifies statements. It returns those that are valid, and the first error.
func parse(raw [][]byte) (out []*statement.Statement, err error) {
	for _, b := range raw {
		st, perr := statement.Parse(b)
		if perr != nil {
			err = cmp.Or(err, perr)
			continue
		}
		out = append(out, st)
	}
	return out, err
}

func (n *Network) add(all []*statement.Statement) (added int, err error) {
	added, err = n.addLocked(all)
	if added > 0 {
		n.takeAnnounced()
		n.tell()
	}
	return added, err
}

func (n *Network) addLocked(all []*statement.Statement) (added int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		if err := n.learnGenesis(all); err != nil || n.set == nil {
			return 0, err
		}
		added++
	}
	before := n.set.Len()
	for _, st := range all {
		outcome, aerr := n.set.Add(st)
		err = cmp.Or(err, aerr)
		if aerr == nil && outcome == network.Added {
			added++
		}
	}
	added = max(added, n.set.Len()-before) // with those that had waited
	if added == 0 && !n.unwritten {
		return 0, err
	}
	if added > 0 {
		n.publish(time.Now())
	}
	werr := n.write(n.set)
	n.unwritten = werr != nil
	return added, cmp.Or(werr, err)
}

// learnGenesis begins the set, if the statements have the genesis of the network.
func (n *Network) learnGenesis(all []*statement.Statement) error {
	for _, st := range all {
		if _, ok := st.Content().(*statement.Genesis); !ok || st.Network() != n.id {
			continue
		}
		var err error
		n.set, err = network.NewSet(st)
		return err
	}
	return nil
}

// Chain returns the encoded statements that show this peer's membership, in an order in which a set
// can take them: from the genesis to its own grant. A peer that knows nothing but the network's ID
// can verify them, but doesn't learn from them what was revoked. It returns nil if this peer is
// granted nothing.
func (n *Network) Chain() [][]byte {
	m, ok := n.Member(n.self)
	if !ok {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var chain [][]byte
	seen := map[statement.ID]bool{}
	for st := n.set.Get(m.Grants[0]); st != nil && !seen[st.ID()]; st = n.authority(st.Issuer()) {
		seen[st.ID()] = true
		chain = append([][]byte{st.Encode(false)}, chain...)
	}
	return chain
}

// authority returns a statement that lets a key issue others; nil for a genesis and unknown keys.
// The lock must be held.
func (n *Network) authority(key statement.Key) *statement.Statement {
	s := n.State()
	for _, i := range s.Invites {
		if i.Key == key {
			return n.set.Get(i.Statement)
		}
	}
	for _, m := range s.Members {
		if m.StatementKey == key {
			return n.set.Get(m.Grants[0])
		}
	}
	for _, st := range n.set.All() {
		switch c := st.Content().(type) {
		case *statement.Genesis:
			if st.Issuer() == key {
				return st
			}
		case *statement.NewRoot:
			if c.Order.Root == key {
				return n.set.All()[0] // the recovery keys are in it
			}
		case *statement.Grant:
			if c.StatementKey == key {
				return st
			}
		}
	}
	return nil
}
