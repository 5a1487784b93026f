package statement

import "strings"

// Roles are what a peer may do, as bits.
type Roles uint32

// The bits. Their values are part of the encoding and never change. Bits that this version doesn't
// know are kept and allow nothing.
const (
	Read  Roles = 1 << iota // find and read files
	Write                   // put and delete files
	Store                   // take a place on the ring and hold copies
	Share                   // issue tickets for guests
	Relay                   // introduce and relay peers
	Admin                   // issue statements, with a key of its own
)

// The roles that people know by name.
const (
	RolesReader  = Read
	RolesClient  = Read | Write
	RolesStorage = Store
	RolesRelay   = Relay
	RolesMember  = Read | Write | Store | Share
	RolesAdmin   = RolesMember | Relay | Admin
)

var roleNames = []struct {
	name  string
	roles Roles
}{
	{"admin", RolesAdmin},
	{"member", RolesMember},
	{"client", RolesClient},
	{"reader", RolesReader},
	{"storage", RolesStorage},
	{"relay", RolesRelay},
}

var roleBits = []string{"read", "write", "store", "share", "relay", "admin"}

// Has reports whether r has all of want.
func (r Roles) Has(want Roles) bool { return r&want == want }

// String returns the name of r, or its bits where it has no name: "read+store".
func (r Roles) String() string {
	for _, n := range roleNames {
		if n.roles == r {
			return n.name
		}
	}
	var parts []string
	for i, name := range roleBits {
		if r.Has(1 << i) {
			parts = append(parts, name)
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "+")
}

// ParseRoles returns the roles with a name: admin, member, client, reader, storage, or relay.
func ParseRoles(name string) (Roles, bool) {
	for _, n := range roleNames {
		if n.name == name {
			return n.roles, true
		}
	}
	return 0, false
}
