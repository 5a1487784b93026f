package node

import (
	"io/fs"

	"github.com/p2pchord/p2pchord/internal/connpath"
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

// ModeOf is the mode of a file on this machine; 0 on Windows, whose files have no such bits. A file
// that nobody may read has the mode 0400, because 0 would let everybody read it.
func ModeOf(i fs.FileInfo) Mode { return transfer.ModeOf(i) }

// ParseMode reads octal digits; none are 0.
func ParseMode(s string) (Mode, error) { return transfer.ParseMode(s) }
