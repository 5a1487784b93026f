package node

import (
	"io/fs"

	"github.com/p2pchord/p2pchord/internal/connections"
	"github.com/p2pchord/p2pchord/internal/connpath"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/netcheck"
	"github.com/p2pchord/p2pchord/internal/transfer"
)

// DefaultPort is the TCP and UDP port that a node listens on unless told otherwise.
const DefaultPort = 4701

// DefaultBlockSize is the size in bytes of the blocks that files are cut into.
const DefaultBlockSize = transfer.DefaultBlockSize

// SizeUnknown stands for a size that will be known at the end of the stream.
const SizeUnknown = transfer.SizeUnknown

// The paths of a transfer.
const (
	PathDirect  = connpath.Direct
	PathRelayed = connpath.Relayed
	// PathSelf is the path to the node itself, in a Trace.
	PathSelf = transfer.PathSelf
)

// What a peer asked for a name's owner answers.
const (
	AnswerOwner  = transfer.AnswerOwner  // it is the owner itself
	AnswerNearer = transfer.AnswerNearer // it names peers nearer to the key
	AnswerNone   = transfer.AnswerNone   // nothing came, or a refusal
)

// What a holder says of a file.
const (
	HasComplete = transfer.HasComplete // the version that is current, with its bytes
	// HasIncomplete is the version that is current with its first block, of a file of which a later
	// block is missing.
	HasIncomplete = transfer.HasIncomplete
	HasRecord     = transfer.HasRecord  // the current version, without its bytes yet
	HasOther      = transfer.HasOther   // another version only
	HasNothing    = transfer.HasNothing // no version of the file
	HasUnknown    = transfer.HasUnknown // it could not be asked
)

// What the operations on files take and return.
type (
	// PutOptions say how a file is stored: Size, Copies, WaitAll, Modified, Mode, and Progress.
	PutOptions = transfer.PutOptions
	// GetOptions say what is read: Version, Offset, Length, and Progress. Their method Within
	// returns the bytes of a file of some size that they ask for.
	GetOptions = transfer.GetOptions
	// Progress tells how far a transfer is: bytes done, of how many, over which path, and what the
	// transfer waits for.
	Progress = transfer.Progress
	// File reads one version of a file. All that it yields has been verified: each block against
	// its hash in the record, which the writer has signed. It is an io.Reader, io.WriterTo, and
	// io.Closer; Save writes the whole file to an *os.File and continues one of before, Info
	// describes the file, and Sources names the peers that the bytes came from. It is not safe for
	// concurrent use.
	File = transfer.File
	// Mode is the permission bits of a file, as in Unix. 0 means that they aren't known. In JSON
	// and in queries it is octal digits: 0644.
	Mode = transfer.Mode
)

// The results of operations on files. Their JSON is the command line's contract: fields may be
// added, never renamed.
type (
	// FileInfo describes one version of a file.
	FileInfo = transfer.FileInfo
	// PutResult tells what a put has stored.
	PutResult = transfer.PutResult
	// FileStat is everything about a file.
	FileStat = transfer.FileStat
	// Block is one block of a file.
	Block = transfer.Block
	// Holder is a peer that holds a file.
	Holder = transfer.Holder
	// Member is a peer of the ring.
	Member = transfer.Member
	// Lookup tells who owns a name and how it was found.
	Lookup = transfer.Lookup
	// Hop is a peer on a lookup's path.
	Hop = transfer.Hop
	// Trace is the way to a file: who was asked on it, and what those say who hold it.
	Trace = transfer.Trace
	// TraceLookup is how the ordinary lookup went.
	TraceLookup = transfer.TraceLookup
	// TracePeer is a peer that was asked, and the way there.
	TracePeer = transfer.TracePeer
	// TraceHop is one step of the lookup.
	TraceHop = transfer.TraceHop
	// TraceHolder is a peer that holds the file, or should.
	TraceHolder = transfer.TraceHolder
)

// The roles of a connected peer, in the order in which they count.
const (
	RoleSuccessor   = connections.RoleSuccessor
	RolePredecessor = connections.RolePredecessor
	RoleFinger      = connections.RoleFinger
	RoleBootstrap   = connections.RoleBootstrap
	RoleOther       = connections.RoleOther
)

// Connection is one open connection of a node. Its JSON is the command line's contract: fields may
// be added, never renamed.
type Connection = connections.Connection

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

// The kinds of failure that a caller may want to tell apart, with errors.Is.
var (
	ErrNotFound    error = fault.NotFound    // no such file in the ring
	ErrUnreachable error = fault.Unreachable // no peer could be reached
	ErrTryAgain    error = fault.TryAgain    // can't tell now: the ring is changing
	ErrUncertain   error = fault.Uncertain   // a write may or may not have been done; do it again
	ErrIntegrity   error = fault.Integrity   // what arrived is not what was stored
	ErrNoSpace     error = fault.NoSpace     // no space, or over a limit
	ErrNotAllowed  error = fault.NotAllowed  // refused by a rule
	ErrFewerCopies error = fault.FewerCopies // stored, with fewer copies than asked for
	// a name, an option or a configuration that is not allowed
	ErrUsage error = fault.Usage
)

// ModeOf is the mode of a file on this machine; 0 on Windows, whose files have no such bits. A file
// that nobody may read has the mode 0400, because 0 would let everybody read it.
func ModeOf(i fs.FileInfo) Mode { return transfer.ModeOf(i) }

// ParseMode reads octal digits; none are 0.
func ParseMode(s string) (Mode, error) { return transfer.ParseMode(s) }
