package statement

// Content is what a statement says: *Genesis, *Grant, *Revoke, *Invite, *Keys, *Policy, *NewRoot,
// or *Unknown. Don't change what a Statement's Content points to.
type Content interface{ kind() string }

// Genesis begins a network. Its issuer is the network's root.
type Genesis struct {
	Name     string
	Salt     [SaltSize]byte
	Recovery []Key // of which Quorum may replace the root
	Quorum   int
	Policy   Policy
}

// Grant makes a peer a member, or changes what it may do.
type Grant struct {
	Peer         Peer
	Roles        Roles
	SealKey      []byte // what data keys are sealed to
	StatementKey Key    // with Admin: the key that issues statements
	Label        string
	Place        string // the ring address, HOST:PORT
	NotAfterMS   uint64 // 0: no end
	NarrowedTo   []byte // of a guest: the hash of the one name that it may read
	Serial       uint32 // the greatest of a peer counts
	Consent      []byte // the peer's signature: see Consent
}

// Cut ends the statements of an issuer.
type Cut struct {
	Issuer  Key
	KeepSeq uint64 // the last statement that counts; 0: none
	Keep    ID     // its ID; zero when KeepSeq is 0
}

// Revoke ends the membership of a peer, the statements of issuers, or both.
type Revoke struct {
	Peer Peer // may be empty
	Cuts []Cut
	Why  string
}

// Cut returns the cut of an issuer, if r has one.
func (r *Revoke) Cut(issuer Key) (Cut, bool) { return cutOf(r.Cuts, issuer) }

// Invite lets the holder of a key issue one Grant.
type Invite struct {
	Key        Key
	Roles      Roles
	NotAfterMS uint64
	Place      string
	Check      []byte
	Label      string
	// GrantNotAfterMS is the latest end that the Grant may have; 0: it may have none.
	GrantNotAfterMS uint64
}

// Keys announces a data key. The sealed copies are in the statement's attachment.
type Keys struct {
	Epoch          uint32
	Vault          [VaultSize]byte
	AttachmentHash [HashSize]byte
	AttachmentSize int
}

// Policy has the network's settings. The greatest serial counts.
type Policy struct {
	Serial       uint32
	Closed       bool
	ClosedFromMS uint64
	HideFolders  bool
	Pad          bool
	CarefulDays  uint32
}

// NewRoot makes its issuer the root.
type NewRoot struct {
	Order     RootOrder
	Approvals []Approval

	order []byte // as it was signed
}

// RootOrder is what the holders of recovery keys sign.
type RootOrder struct {
	Network    NetworkID
	Root       Key
	Generation uint32 // the greatest counts
	Cuts       []Cut
}

// Cut returns the cut of an issuer, if o has one.
func (o *RootOrder) Cut(issuer Key) (Cut, bool) { return cutOf(o.Cuts, issuer) }

// Approval is the signature of a recovery key below an order.
type Approval struct {
	Key       Key
	Signature []byte
}

// Unknown is what a later version of the program says.
type Unknown struct{}

func (*Genesis) kind() string { return "genesis" }
func (*Grant) kind() string   { return "grant" }
func (*Revoke) kind() string  { return "revoke" }
func (*Invite) kind() string  { return "invite" }
func (*Keys) kind() string    { return "keys" }
func (*Policy) kind() string  { return "policy" }
func (*NewRoot) kind() string { return "new root" }
func (*Unknown) kind() string { return "unknown" }

func cutOf(cuts []Cut, issuer Key) (Cut, bool) {
	for _, c := range cuts {
		if c.Issuer == issuer {
			return c, true
		}
	}
	return Cut{}, false
}

// Permits reports whether the holder of the invitation's key may issue g: with no other roles, at
// no other place, for no longer, and with the consent of its peer.
func (i *Invite) Permits(g *Grant) bool {
	switch {
	case !i.Roles.Has(g.Roles), len(g.Consent) == 0:
		return false
	case g.Roles.Has(Store) && g.Place != i.Place:
		return false
	case i.GrantNotAfterMS > 0:
		return g.NotAfterMS > 0 && g.NotAfterMS <= i.GrantNotAfterMS
	}
	return true
}
