package node

import "github.com/p2pchord/p2pchord/internal/netcheck"

// The results of a check of the network. Their JSON is the contract of the command line: fields may
// be added, never renamed.
type (
	// Netcheck says how a node reaches others, how they reach it, and what is wrong with that.
	Netcheck = netcheck.Report
	// AddrCheck is one address of the node.
	AddrCheck = netcheck.AddrCheck
	// NATCheck is what stands between the node and the internet.
	NATCheck = netcheck.NATCheck
	// Observed is where a peer saw a connection of the node come from.
	Observed = netcheck.Observed
	// PortMapping is what the router does when it is asked by UPnP or NAT-PMP.
	PortMapping = netcheck.PortMapping
	// MappedPort is a port of this machine and the address that the router gave it outside.
	MappedPort = netcheck.MappedPort
	// BootstrapCheck is one bootstrap peer, or a member given in its place.
	BootstrapCheck = netcheck.BootstrapCheck
	// RelayCheck is a relay at which the node has a slot, or tried to get one.
	RelayCheck = netcheck.RelayCheck
	// PunchCheck says how the last attempt at a direct connection with a peer ended.
	PunchCheck = netcheck.PunchCheck
	// NeighbourCheck is a neighbor in the ring and the time to it.
	NeighbourCheck = netcheck.NeighborCheck
	// ClockCheck compares this machine's clock with those of neighbors.
	ClockCheck = netcheck.ClockCheck
	// Problem is something that is wrong, or worth knowing, in sentences for people.
	Problem = netcheck.Problem
)

// The verdicts on an address.
const (
	VerdictReachable   = netcheck.VerdictReachable
	VerdictUnreachable = netcheck.VerdictUnreachable
	VerdictUnknown     = netcheck.VerdictUnknown
	VerdictLocal       = netcheck.VerdictLocal
)

// The scopes of an address.
const (
	ScopePublic   = netcheck.ScopePublic
	ScopePrivate  = netcheck.ScopePrivate
	ScopeLoopback = netcheck.ScopeLoopback
	ScopeRelay    = netcheck.ScopeRelay
)

// The kinds of router between a node and the internet.
const (
	NATNone        = netcheck.NATNone
	NATIndependent = netcheck.NATIndependent
	NATDependent   = netcheck.NATDependent
	NATUnknown     = netcheck.NATUnknown
)

// The severities of a problem.
const (
	SeverityFault = netcheck.SeverityFault
	SeverityNote  = netcheck.SeverityNote
)

// The outcomes of a test connection by one transport.
const (
	DialOK         = netcheck.DialOK
	DialNoAnswer   = netcheck.DialNoAnswer
	DialNotOffered = netcheck.DialNotOffered
	DialTooLarge   = netcheck.DialTooLarge
	DialWrongDate  = netcheck.DialWrongDate
)

// RoleRemembered is the role of a member that a node which doesn't run remembers.
const RoleRemembered = netcheck.RoleRemembered

// How others reach a node.
const (
	ReachablePublic  = netcheck.ReachablePublic
	ReachablePrivate = netcheck.ReachablePrivate
	ReachableUnknown = netcheck.ReachableUnknown
)
