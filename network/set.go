package network

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
)

const (
	// maxAlternatives is how many statements of one issuer with one number are kept as proof of a
	// fork. Those on a branch that a cut names are kept beside.
	maxAlternatives = 2
	// rootStatements and rootBytes are the part of a set that only the root may fill.
	rootStatements = 256
	rootBytes      = 256 << 10
	// maxWaiting and maxWaitingBytes bound the statements whose issuer is unknown.
	maxWaiting      = 256
	maxWaitingBytes = 256 << 10
	// maxAttachments bounds the attachments of a set in bytes.
	maxAttachments = 8 << 20
)

// Set is the statements of one network that are known here. It only grows. It is not for concurrent
// use.
type Set struct {
	genesis   *statement.Statement
	byID      map[statement.ID]*statement.Statement
	order     []statement.ID // as they came: an issuer's authority before what it issues
	histories map[statement.Key]*history
	standing  map[statement.Key]standing
	invites   map[statement.Key][]*statement.Invite
	pinned    map[statement.ID]bool // on a branch that a cut names
	waiting   []*statement.Statement
	size      int
	attached  int
}

// standing is what the set knows of a key, whatever was revoked.
type standing uint8

const (
	stranger standing = iota
	invited
	admin
	root
)

// Outcome tells what became of a statement.
type Outcome int

// The outcomes.
const (
	Added   Outcome = iota
	Known           // it, or its attachment, changes nothing
	Waiting         // its issuer is unknown: it counts once the issuer is known, or is forgotten
	Surplus         // one of too many alternatives in a fork, or not what an invitation permits
)

// NewSet returns a set that has the genesis of a network only.
func NewSet(genesis *statement.Statement) (*Set, error) {
	if _, ok := genesis.Content().(*statement.Genesis); !ok {
		return nil, fault.New(fault.Integrity, "a network can't begin with a statement that is no genesis")
	}
	s := &Set{
		genesis: genesis, byID: map[statement.ID]*statement.Statement{}, histories: map[statement.Key]*history{},
		standing: map[statement.Key]standing{genesis.Issuer(): root}, invites: map[statement.Key][]*statement.Invite{}, pinned: map[statement.ID]bool{},
	}
	s.insert(genesis)
	return s, nil
}

// Network returns the network that the set is of.
func (s *Set) Network() statement.NetworkID { return s.genesis.Network() }

// Len returns how many statements the set has, without those that wait.
func (s *Set) Len() int { return len(s.order) }

// Size returns how many bytes they have, without attachments.
func (s *Set) Size() int { return s.size }

// Get returns the statement with an ID, or nil.
func (s *Set) Get(id statement.ID) *statement.Statement { return s.byID[id] }

// All returns the statements in an order in which a set can take each of them at once.
func (s *Set) All() []*statement.Statement {
	out := make([]*statement.Statement, len(s.order))
	for i, id := range s.order {
		out[i] = s.byID[id]
	}
	return out
}

// Proof returns the statements of an issuer with one number that the set has: two or more in a
// fork.
func (s *Set) Proof(issuer statement.Key, seq uint64) []*statement.Statement {
	return append([]*statement.Statement(nil), s.histories[issuer].alternatives(seq)...)
}

// Add adds a statement. Errors are of the kind fault.NotAllowed if it belongs to another network,
// and fault.NoSpace if the set is full.
func (s *Set) Add(st *statement.Statement) (Outcome, error) {
	if st.Network() != s.Network() {
		return 0, fault.New(fault.NotAllowed, "the statement belongs to the network %s, not to %s", st.Network().Short(), s.Network().Short())
	}
	if have := s.byID[st.ID()]; have != nil {
		return s.attach(have, st), nil
	}
	outcome, err := s.add(st)
	for changed := err == nil && outcome == Added; changed; {
		changed = s.retry()
	}
	return outcome, err
}

// attach takes over the attachment of a statement that is known without it.
func (s *Set) attach(have, st *statement.Statement) Outcome {
	n := len(st.Attachment())
	if n == 0 || have.Attachment() != nil || s.attached+n > maxAttachments {
		return Known
	}
	s.byID[st.ID()] = st
	s.histories[st.Issuer()].replace(have, st)
	s.attached += n
	return Added
}

func (s *Set) add(st *statement.Statement) (Outcome, error) {
	as := s.standing[st.Issuer()]
	if s.approved(st) {
		as = root
	}
	switch {
	case as == stranger:
		s.wait(st)
		return Waiting, nil
	case as == invited && !s.permitted(st):
		// The key may turn out to be an admin's, or to have another invitation.
		s.wait(st)
		return Waiting, nil
	case !s.pinned[st.ID()] && s.unpinned(st) >= maxAlternatives:
		return Surplus, nil
	case !s.room(st, as):
		return 0, fault.New(fault.NoSpace, "the network has as many statements as it can: %d, with %d bytes", len(s.order), s.size)
	}
	s.insert(st)
	return Added, nil
}

// approved reports whether st makes its issuer the root by a quorum of the recovery keys.
func (s *Set) approved(st *statement.Statement) bool {
	n, ok := st.Content().(*statement.NewRoot)
	return ok && approvals(s.genesis.Content().(*statement.Genesis), n) //nolint:forcetypeassert // NewSet has checked it
}

// permitted reports whether an invitation permits st.
func (s *Set) permitted(st *statement.Statement) bool {
	g, ok := st.Content().(*statement.Grant)
	if !ok || st.Seq() != 1 {
		return false
	}
	for _, i := range s.invites[st.Issuer()] {
		if i.Permits(g) {
			return true
		}
	}
	return false
}

// unpinned counts the statements with the number of st that no cut names.
func (s *Set) unpinned(st *statement.Statement) (n int) {
	for _, other := range s.histories[st.Issuer()].alternatives(st.Seq()) {
		if !s.pinned[other.ID()] {
			n++
		}
	}
	return n
}

func (s *Set) room(st *statement.Statement, as standing) bool {
	count, size := statement.MaxStatements, statement.MaxTotal
	if as != root {
		count, size = count-rootStatements, size-rootBytes
	}
	return len(s.order) < count && s.size+st.Size() <= size
}

func (s *Set) insert(st *statement.Statement) {
	if n := len(st.Attachment()); s.attached+n > maxAttachments {
		st = st.WithoutAttachment()
	}
	s.byID[st.ID()] = st
	s.order = append(s.order, st.ID())
	s.size += st.Size()
	s.attached += len(st.Attachment())
	h := s.histories[st.Issuer()]
	if h == nil {
		h = new(history)
		s.histories[st.Issuer()] = h
	}
	h.add(st)
	if s.pinned[st.ID()] {
		s.pin(st.Previous())
	}
	switch c := st.Content().(type) {
	case *statement.Grant:
		if !c.StatementKey.IsZero() {
			s.raise(c.StatementKey, admin)
		}
	case *statement.Invite:
		s.raise(c.Key, invited)
		s.invites[c.Key] = append(s.invites[c.Key], c)
	case *statement.NewRoot:
		if s.approved(st) {
			s.raise(st.Issuer(), root)
			s.pinCuts(c.Order.Cuts)
		}
	case *statement.Revoke:
		s.pinCuts(c.Cuts)
	}
}

func (s *Set) raise(k statement.Key, to standing) { s.standing[k] = max(s.standing[k], to) }

func (s *Set) pinCuts(cuts []statement.Cut) {
	for _, c := range cuts {
		s.pin(c.Keep)
	}
}

// pin keeps a statement, and those before it, whatever else has their numbers.
func (s *Set) pin(id statement.ID) {
	for !id.IsZero() && !s.pinned[id] {
		s.pinned[id] = true
		st := s.byID[id]
		if st == nil {
			return // it goes on when that one comes
		}
		id = st.Previous()
	}
}
