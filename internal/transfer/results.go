package transfer

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// The results of a Client's methods. Their JSON is the command line's contract: fields may be
// added, never renamed.
type (
	// FileInfo describes one version of a file.
	FileInfo struct {
		Name     string    `json:"name"`
		Key      uint16    `json:"key"`
		Size     int64     `json:"size"`
		Hash     string    `json:"hash"` // BLAKE3-256 of the whole file, hex
		Version  string    `json:"version"`
		Modified time.Time `json:"modified"`
		Copies   int       `json:"copies"`         // durable copies, as far as known
		Mode     Mode      `json:"mode,omitempty"` // permission bits, when the writer has told them
		// Missing says of a file in a node's own list that it has the record without the bytes.
		Missing bool `json:"missing,omitempty"`
		// StoredHash is the BLAKE3-256 of what the holders of an encrypted file have, hex. It is
		// empty when the file is not encrypted.
		StoredHash string `json:"stored_hash,omitempty"`
	}
	// PutResult tells what a put has stored.
	PutResult struct {
		Name    string `json:"name"`
		Key     uint16 `json:"key"`
		Size    int64  `json:"size"`
		Hash    string `json:"hash"`
		Version string `json:"version"`
		Copies  int    `json:"copies"` // durable copies when it was acknowledged
		Owner   string `json:"owner"`  // peer ID
		// Wanted is the number of copies asked for, or the ring's default.
		Wanted int `json:"wanted"`
		// Possible is how many of them a ring of this size can have.
		Possible int `json:"possible"`
		// Sent is how many bytes had to be sent: those that the owners did not have already.
		Sent int64 `json:"sent"`
		// StoredHash is as in FileInfo.
		StoredHash string `json:"stored_hash,omitempty"`
	}
	// Holder is a peer that holds a file.
	Holder struct {
		PeerID string `json:"peer_id"`
		Role   string `json:"role"` // "owner" or "backup"
		// Complete says that the record and the first block are durable there, and no later block
		// is missing.
		Complete bool `json:"complete"`
	}
	// FileStat is everything about a file.
	FileStat struct {
		FileInfo
		Writer   string     `json:"writer"` // peer ID
		Blocks   []Block    `json:"blocks"`
		Holders  []Holder   `json:"holders"`
		Siblings []FileInfo `json:"siblings"`
		// Missing are the later blocks that neither their owners nor the owners' neighbors hold:
		// the file can't be read whole. Unchecked are those of which one of these peers could not
		// be asked.
		Missing   []int `json:"missing"`
		Unchecked []int `json:"unchecked"`
	}
	// Block is one block of a file.
	Block struct {
		Index int    `json:"index"`
		Key   uint16 `json:"key"`
		Size  int64  `json:"size"`
		CID   string `json:"cid"`
	}
	// Member is a peer of the ring.
	Member struct {
		PeerID      string   `json:"peer_id"`
		Key         uint16   `json:"key"`
		RingAddress string   `json:"ring_address"` // HOST:PORT, or empty
		Addrs       []string `json:"addrs"`
		// Path is "direct" or "relayed" for a neighbor in a Status; empty when there is no
		// connection.
		Path string `json:"path,omitempty"`
		Via  string `json:"via,omitempty"` // the relay's peer ID
	}
	// Lookup tells who owns a name and how it was found.
	Lookup struct {
		Name  string `json:"name"`
		Key   uint16 `json:"key"`
		Owner Hop    `json:"owner"`
		Hops  int    `json:"hops"` // peers asked after the first
		Path  []Hop  `json:"path"`
	}
	// Hop is a peer on a lookup's path.
	Hop struct {
		PeerID string `json:"peer_id"`
		Key    uint16 `json:"key"`
	}
)

// What a peer asked for a name's owner answers.
const (
	AnswerOwner  = "owner"     // it is the owner itself
	AnswerNearer = "nearer"    // it names peers nearer to the key
	AnswerNone   = "no answer" // nothing came, or a refusal
)

// What a holder says of a file.
const (
	HasComplete = "complete" // the version that is current, with its bytes
	// HasIncomplete is the version that is current with its first block, of a file of which a later
	// block is missing.
	HasIncomplete = "incomplete"
	HasRecord     = "record"    // the current version, without its bytes yet
	HasOther      = "other"     // another version only
	HasNothing    = "nothing"   // no version of the file
	HasUnknown    = "no answer" // it could not be asked
)

// The results of a trace. Their JSON is the command line's contract: fields may be added, never
// renamed.
type (
	// Trace is the way to a file: who was asked on it, and what those say who hold it.
	Trace struct {
		Name string `json:"name"`
		Key  uint16 `json:"key"`
		// Lookup is the ordinary lookup, which peers pass on from one to the next.
		Lookup TraceLookup `json:"lookup"`
		// Hops are the peers that were asked one by one, from here.
		Hops    []TraceHop    `json:"hops"`
		Owner   *Hop          `json:"owner"` // null when it was not found
		File    *FileInfo     `json:"file"`  // null when there is none, or the owner gave no answer
		Holders []TraceHolder `json:"holders"`
		// Missing and Unchecked are as in FileStat.
		Missing   []int `json:"missing"`
		Unchecked []int `json:"unchecked"`
		// Error is why the owner did not tell of the file: empty when it did, or there is none.
		Error string `json:"error"`
	}
	// TraceLookup is how the ordinary lookup went.
	TraceLookup struct {
		MS    float64 `json:"ms"`
		Path  []Hop   `json:"path"`
		Error string  `json:"error"` // empty when it found the owner
	}
	// TracePeer is a peer that was asked, and the way there.
	TracePeer struct {
		PeerID      string `json:"peer_id"`
		Key         uint16 `json:"key"`
		RingAddress string `json:"ring_address"`
		// "direct", "relayed", "self", or empty when there is no connection
		Path      string  `json:"path"`
		Via       string  `json:"via"`       // the relay's peer ID, or empty
		Transport string  `json:"transport"` // "tcp", "quic" or "ws"
		MS        float64 `json:"ms"`        // from asking to the answer, dialing included
		Error     string  `json:"error"`     // why there was no answer, or empty
	}
	// TraceHop is one step of the lookup.
	TraceHop struct {
		TracePeer
		Answer string `json:"answer"` // "owner", "nearer" or "no answer"
	}
	// TraceHolder is a peer that holds the file, or should.
	TraceHolder struct {
		TracePeer
		Role string `json:"role"` // "owner" or "backup"
		// "complete", "incomplete", "record", "other", "nothing" or "no answer"
		Has     string `json:"has"`
		Version string `json:"version"` // the newest that it has, or empty
	}
)

// PathSelf is the path to the node itself.
const PathSelf = "self"

// Describe returns what a record says of its file. copies is how many are known.
func Describe(b *pb.RecordBody, copies int) FileInfo {
	return FileInfo{
		Name: b.GetName(), Key: uint16(protocol.Place(b.GetName(), 0)), Size: int64(b.GetSize()), //nolint:gosec // checked by VerifyRecord
		Hash: hex.EncodeToString(b.GetHash()), Version: versionText(protocol.Lineage(b).Version),
		Modified: protocol.ModifiedTime(b), Mode: Mode(b.GetMode()), Copies: copies,
	}
}

// versionText writes a version for people and scripts: the clock in hex, a dot, and the writer's
// peer ID.
func versionText(v replica.Version) string {
	return fmt.Sprintf("%016x.%s", v.Clock, peer.ID(v.Writer))
}

// parseVersion reads what versionText writes.
func parseVersion(s string) (replica.Version, error) {
	clock, writer, ok := strings.Cut(s, ".")
	if ok && len(clock) == 16 {
		c, err := strconv.ParseUint(clock, 16, 64)
		id, derr := peer.Decode(writer)
		if err == nil && derr == nil {
			return replica.Version{Clock: c, Writer: string(id)}, nil
		}
	}
	return replica.Version{}, fault.New(fault.Usage, "%q is not a version: copy it from stat", s)
}
