package transfer

import (
	"time"
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
