package network

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/p2pchord/p2pchord/network/statement"
)

// State is what the statements of a set amount to. It is a value of its own: it doesn't change with
// the set. All lists are sorted, so equal states are deeply equal.
type State struct {
	Network    statement.NetworkID
	Name       string
	Root       statement.Key // zero: nobody, as two orders of the latest generation contradict
	Generation uint32        // how often the root was replaced
	Policy     statement.Policy
	Members    map[statement.Peer]Member
	Writers    map[statement.Peer]uint64         // until when their records count: see CountsRecord
	Revoked    map[statement.Peer][]statement.ID // by which statements
	Issuers    []Issuer                          // roots and admins
	Invites    []Invitation
	Forks      []Fork
	Keys       []VaultKey // by vault; the latest epoch first
}

// Member is a peer that is granted something, and not revoked.
type Member struct {
	Peer         statement.Peer
	Roles        statement.Roles
	SealKey      []byte
	StatementKey statement.Key
	Label        string
	Place        string
	NotAfterMS   uint64 // 0: no end
	NarrowedTo   []byte
	Serial       uint32
	Grants       []statement.ID // those that were merged, in the order of their IDs
}

// Issuer is a key that may issue statements, or might once.
type Issuer struct {
	Key     statement.Key
	Root    bool
	Peers   []statement.Peer // whose statement key it is
	Counted uint64           // the last statement that counts
	Last    uint64           // the last one that is known and may have an effect
}

// Invitation is an Invite that counts.
type Invitation struct {
	Key       statement.Key
	Statement statement.ID
	Roles     statement.Roles
	Label     string
	Place     string
	// NotAfterMS is when it expires. Peers refuse to add a grant by it later; nothing else tells.
	NotAfterMS uint64
	Use        Use
	UsedBy     statement.Peer
}

// Use is what became of an invitation.
type Use int

// The uses.
const (
	Unused Use = iota
	Used
	UsedTwice // so nobody is in by it, unless the root chooses one
	Withdrawn // its key was cut off
)

// Fork is where two statements of one issuer have the same number.
type Fork struct {
	Issuer statement.Key
	Seq    uint64
}

// VaultKey is an announced data key. Two admins may announce the same epoch: both are listed.
type VaultKey struct {
	Vault     [statement.VaultSize]byte
	Epoch     uint32
	Statement statement.ID
}

// State returns the present state of the set. It is the same for every order in which the
// statements came.
func (s *Set) State() *State {
	f := newFoundation(s)
	o, revokes := f.settle()
	st := &State{
		Network: s.Network(), Name: f.genesis.Name, Root: f.current, Generation: f.generation,
		Members: map[statement.Peer]Member{}, Writers: map[statement.Peer]uint64{}, Revoked: map[statement.Peer][]statement.ID{},
	}
	revokedMS := map[statement.Peer]uint64{}
	for _, r := range slices.Concat(f.revokes, revokes) {
		if r.Peer == "" {
			continue
		}
		if first, again := revokedMS[r.Peer]; !again || r.timeMS < first {
			revokedMS[r.Peer] = r.timeMS
		}
		st.Revoked[r.Peer] = append(st.Revoked[r.Peer], r.id)
	}
	for _, ids := range st.Revoked {
		slices.SortFunc(ids, statement.ID.Compare)
	}
	st.addMembers(o, revokedMS)
	st.addIssuers(o)
	st.addInvitations(o)
	st.addForks(s)
	st.Policy = f.genesis.Policy
	for _, c := range o.counted {
		if p, ok := c.Content().(*statement.Policy); ok {
			st.Policy = laterPolicy(st.Policy, *p)
		}
	}
	st.addKeys(o)
	return st
}

func (st *State) addIssuers(o *outcome) {
	counted := map[statement.Key]uint64{}
	for _, c := range o.counted {
		counted[c.Issuer()] = max(counted[c.Issuer()], c.Seq())
	}
	peers := map[statement.Key]map[statement.Peer]bool{}
	for _, c := range o.counted {
		if g, ok := c.Content().(*statement.Grant); ok && !g.StatementKey.IsZero() {
			if peers[g.StatementKey] == nil {
				peers[g.StatementKey] = map[statement.Peer]bool{}
			}
			peers[g.StatementKey][g.Peer] = true
		}
	}
	for k := range peers {
		o.issuers[k] = max(o.issuers[k], admin) // one that is barred, too
	}
	for k, as := range o.issuers {
		if as < admin {
			continue
		}
		st.Issuers = append(st.Issuers, Issuer{
			Key: k, Root: as == root, Peers: slices.Sorted(maps.Keys(peers[k])), Counted: counted[k], Last: o.f.set.coverage().last(k),
		})
	}
	slices.SortFunc(st.Issuers, func(a, b Issuer) int { return a.Key.Compare(b.Key) })
}

func (st *State) addInvitations(o *outcome) {
	for _, c := range o.counted {
		i, ok := c.Content().(*statement.Invite)
		if !ok {
			continue
		}
		inv := Invitation{Key: i.Key, Statement: c.ID(), Roles: i.Roles, Label: i.Label, Place: i.Place, NotAfterMS: i.NotAfterMS}
		path := o.f.set.counted(i.Key, o.f.choosing[i.Key], o.limiting[i.Key])
		switch {
		case len(path) > 0:
			if g, ok := path[0].Content().(*statement.Grant); ok && i.Permits(g) && o.has[path[0].ID()] {
				inv.Use, inv.UsedBy = Used, g.Peer
			}
		case len(o.f.choosing[i.Key])+len(o.limiting[i.Key]) > 0:
			inv.Use = Withdrawn
		case len(o.f.set.histories[i.Key].alternatives(1)) > 1:
			inv.Use = UsedTwice
		}
		st.Invites = append(st.Invites, inv)
	}
	slices.SortFunc(st.Invites, func(a, b Invitation) int {
		return cmp.Or(a.Key.Compare(b.Key), a.Statement.Compare(b.Statement))
	})
}

// addForks lists the first fork of each issuer.
func (st *State) addForks(s *Set) {
	c := s.coverage()
	for k := range c.standing {
		if seq := c.fork(k); seq > 0 {
			st.Forks = append(st.Forks, Fork{k, seq})
		}
	}
	slices.SortFunc(st.Forks, func(a, b Fork) int { return a.Issuer.Compare(b.Issuer) })
}

func (st *State) addKeys(o *outcome) {
	for _, c := range o.counted {
		if k, ok := c.Content().(*statement.Keys); ok {
			st.Keys = append(st.Keys, VaultKey{k.Vault, k.Epoch, c.ID()})
		}
	}
	slices.SortFunc(st.Keys, func(a, b VaultKey) int {
		return cmp.Or(bytes.Compare(a.Vault[:], b.Vault[:]), cmp.Compare(b.Epoch, a.Epoch), a.Statement.Compare(b.Statement))
	})
}

// LatestKeys returns the statements that announce the two latest epochs of each vault: those whose
// attachments are of use.
func (st *State) LatestKeys() (ids []statement.ID) {
	epochs := map[[statement.VaultSize]byte][]uint32{}
	for _, k := range st.Keys {
		seen := epochs[k.Vault]
		if !slices.Contains(seen, k.Epoch) {
			if len(seen) == 2 {
				continue
			}
			epochs[k.Vault] = append(seen, k.Epoch)
		}
		ids = append(ids, k.Statement)
	}
	return ids
}
