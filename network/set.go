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
	orders    []statement.ID // those that make a new root
	waiting   []*statement.Statement
	size      int
	attached  int
	cover     *coverage // nil when the set has changed
}

// standing is what a key may issue, whatever was revoked.
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
	Surplus         // one of too many alternatives in a fork
)

// NewSet returns a set that has the genesis of a network only.
func NewSet(genesis *statement.Statement) (*Set, error) {
	if _, ok := genesis.Content().(*statement.Genesis); !ok {
		return nil, fault.New(fault.Integrity, "a network can't begin with a statement that is no genesis")
	}
	s := &Set{
		genesis: genesis, byID: map[statement.ID]*statement.Statement{}, histories: map[statement.Key]*history{},
		standing: map[statement.Key]standing{genesis.Issuer(): root},
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
	case as == invited && st.Seq() != 1:
		s.wait(st) // the key may turn out to be an admin's
		return Waiting, nil
	case s.surplus(st):
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

// surplus reports whether there is proof enough of a fork without st. Statements on a branch that a
// cut names are never surplus, and don't count.
func (s *Set) surplus(st *statement.Statement) bool {
	all := s.histories[st.Issuer()].alternatives(st.Seq())
	if len(all) < maxAlternatives || s.approved(st) || s.coverage().pinned[st.ID()] {
		return false
	}
	n := 0
	for _, other := range all {
		if !s.coverage().pinned[other.ID()] {
			n++
		}
	}
	return n >= maxAlternatives
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
	s.cover = nil
	switch c := st.Content().(type) {
	case *statement.Grant:
		if !c.StatementKey.IsZero() {
			s.raise(c.StatementKey, admin)
		}
	case *statement.Invite:
		s.raise(c.Key, invited)
	case *statement.NewRoot:
		if s.approved(st) {
			s.raise(st.Issuer(), root)
			s.orders = append(s.orders, st.ID())
		}
	}
}

func (s *Set) raise(k statement.Key, to standing) { s.standing[k] = max(s.standing[k], to) }
