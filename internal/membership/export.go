package membership

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

// Export returns all statements, as a file. It has no secrets, but names all members. It is what a
// network is recovered from, with the recovery keys.
func (n *Network) Export() ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		return nil, fault.New(fault.TryAgain, "this peer doesn't know the network's statements yet: connect it to a member first")
	}
	return encodeStatements(n.set.All(), n.State().LatestKeys()), nil
}

// NetworkOf returns the network whose statements were exported. Errors are of the kind
// fault.Usage.
func NetworkOf(exported []byte) (statement.NetworkID, error) {
	all, err := decodeStatements(exported)
	if err != nil || len(all) == 0 {
		return statement.NetworkID{}, fault.New(fault.Usage, "this is not what \"network export\" wrote: %w", cmp.Or(err, errEmpty))
	}
	return all[0].Network(), nil
}

var errEmpty = fault.New(fault.Usage, "it has no statement")

// Import adds what was exported, and returns how many statements were new.
func (n *Network) Import(exported []byte) (added int, err error) {
	id, err := NetworkOf(exported)
	if err != nil {
		return 0, err
	}
	if id != n.id {
		return 0, fault.New(fault.NotAllowed, "these are statements of the network %s, and this data folder belongs to %s", id.Short(), n.id.Short())
	}
	all, err := decodeStatements(bytes.Clone(exported))
	if err != nil {
		return 0, err
	}
	return n.add(all)
}

// Granted is what a peer was last granted.
type Granted struct {
	*statement.Grant
	IssuedMS uint64
}

// Grants returns what each peer was granted, of members and of those that were revoked.
func (n *Network) Grants() []Granted {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.set == nil {
		return nil
	}
	s := n.State()
	last := map[statement.Peer]Granted{}
	for _, st := range n.set.All() {
		g, ok := st.Content().(*statement.Grant)
		if !ok {
			continue
		}
		m, in := s.Members[g.Peer]
		switch {
		case in && !slices.Contains(m.Grants, st.ID()), !in && len(s.Revoked[g.Peer]) == 0:
			continue // another one counts, or it never did
		}
		if have, ok := last[g.Peer]; !ok || have.Serial <= g.Serial {
			last[g.Peer] = Granted{g, st.TimeMS()}
		}
	}
	out := make([]Granted, 0, len(last))
	for _, g := range last {
		out = append(out, g)
	}
	return out
}
