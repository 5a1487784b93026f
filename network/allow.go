package network

import "github.com/p2pchord/p2pchord/network/statement"

// Operation is something that a member asks of another.
type Operation int

// The operations.
const (
	FindPeers       Operation = iota // look up who owns a position
	ReadFiles                        // get, list, and stat
	ReceiveKeys                      // be sealed the data keys
	WriteFiles                       // put, delete, and retract; sign records that others take
	EnterRing                        // take a place on the ring
	HoldCopies                       // be sent copies, and grant and witness them
	RegisterSelf                     // register at a bootstrap peer
	RelayPeers                       // introduce and relay peers
	IssueTickets                     // let guests read one file
	IssueStatements                  // change the network
)

// allowed has the roles of which one is enough.
var allowed = map[Operation]statement.Roles{
	FindPeers:       statement.Read | statement.Write | statement.Store | statement.Relay,
	ReadFiles:       statement.Read,
	ReceiveKeys:     statement.Read,
	WriteFiles:      statement.Write,
	EnterRing:       statement.Store,
	HoldCopies:      statement.Store,
	RegisterSelf:    statement.Store | statement.Relay,
	RelayPeers:      statement.Relay,
	IssueTickets:    statement.Share,
	IssueStatements: statement.Admin,
}

// Allow reports whether the roles allow an operation.
func Allow(roles statement.Roles, op Operation) bool { return roles&allowed[op] != 0 }

// May reports whether a member may do something at a time, in milliseconds since 1970. A guest, who
// may read one name only, may find, and read; the caller checks the name.
func (m *Member) May(op Operation, nowMS uint64) bool {
	if m.NotAfterMS > 0 && nowMS > m.NotAfterMS {
		return false
	}
	if len(m.NarrowedTo) > 0 && op != FindPeers && op != ReadFiles {
		return false
	}
	return Allow(m.Roles, op)
}
