// Package manage carries out what people ask of a private network: to show it, to invite, to
// revoke. A running node does so for its local API, and the command line by itself on the folder of
// a node that doesn't run.
//
// It starts no goroutine and takes no lock.
package manage

import (
	"time"

	"github.com/p2pchord/p2pchord/internal/duration"
)

// What a Request asks for.
const (
	DoStatus  = "status"
	DoMembers = "members"
	DoInvite  = "invite"
	DoRevoke  = "revoke"
	DoRename  = "rename"
	DoClose   = "close"
	DoExport  = "export"
	DoImport  = "import"
)

// Request asks for one thing.
type Request struct {
	Do string `json:"do"`
	// Of an invitation:
	Role  string        `json:"role,omitempty"`
	For   time.Duration `json:"for,omitempty"` // nanoseconds
	Count int           `json:"count,omitempty"`
	Name  string        `json:"name,omitempty"` // also the new name of a peer
	// Of whom to revoke or rename: a peer ID, or a name.
	Peer    string `json:"peer,omitempty"`
	CutFrom uint64 `json:"cut_from,omitempty"`
	Why     string `json:"why,omitempty"`
	// When to close; the zero time is now.
	At time.Time `json:"at,omitzero"`
	// What was exported.
	Statements []byte `json:"statements,omitempty"`
}

// Answer is what was asked for.
type Answer struct {
	Status      *Status      `json:"status,omitempty"`
	Members     []Member     `json:"members,omitempty"`
	Invitations []Invitation `json:"invitations,omitempty"`
	Statements  []byte       `json:"statements,omitempty"`
	Added       int          `json:"added,omitempty"` // statements that were new
}

// Status is a network as a peer knows it.
type Status struct {
	Network     string     `json:"network"`
	Name        string     `json:"name"`
	Role        string     `json:"role"` // of this peer; "none" if it is no member
	Closed      bool       `json:"closed"`
	ClosesAt    *time.Time `json:"closes_at"` // when it will be closed; null if it is, or never
	Members     int        `json:"members"`
	Revoked     int        `json:"revoked"`
	Invitations int        `json:"invitations"` // that can be used now
	Epoch       uint32     `json:"epoch"`
	Forks       []Fork     `json:"forks"`
	Heard       *time.Time `json:"heard"` // when this peer last took in a statement
	Root        bool       `json:"root"`  // this machine has the root key
}

// Fork is a key that was used in two places, so that nothing of it counts from a number on.
type Fork struct {
	Issuer string `json:"issuer"`
	Seq    uint64 `json:"seq"`
	// Name is whose key it is: of an admin, or of an invitation that was used twice.
	Name       string `json:"name"`
	Invitation bool   `json:"invitation"`
}

// Member is a peer that is a member, or was until it was revoked.
type Member struct {
	PeerID  string     `json:"peer_id"`
	Name    string     `json:"name"`
	Role    string     `json:"role"`
	Issued  time.Time  `json:"issued"`
	Expires *time.Time `json:"expires"` // null: never
	Revoked bool       `json:"revoked"`
	Online  bool       `json:"online"`
}

// Invitation is a code for one machine.
type Invitation struct {
	Code    string    `json:"code"`
	Short   string    `json:"short"`
	Role    string    `json:"role"`
	Expires time.Time `json:"expires"`
}

// DefaultFor is how long an invitation can be used.
const DefaultFor = 24 * time.Hour

// clientGrant is how long a client or reader is a member; others don't expire.
const clientGrant = 90 * 24 * time.Hour

// MaxInvitations bounds what one request makes.
const MaxInvitations = 100

func timeText(d time.Duration) string { return duration.String(d) }
