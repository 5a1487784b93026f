package node

import (
	"github.com/p2pchord/p2pchord/internal/replication"
)

import "time"

// The results of a peer's operations. Their JSON is the command line's contract:
// fields may be added, never renamed.
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
		// Complete says that the record and the first block are durable there, and no later block is missing.
		Complete bool `json:"complete"`
	}
	// FileStat is everything about a file.
	FileStat struct {
		FileInfo
		Writer   string     `json:"writer"` // peer ID
		Blocks   []Block    `json:"blocks"`
		Holders  []Holder   `json:"holders"`
		Siblings []FileInfo `json:"siblings"`
		// Missing are the later blocks that neither their owners nor the owners' neighbors hold: the file can't be
		// read whole. Unchecked are those of which one of these peers could not be asked.
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
		// Path is "direct" or "relayed" for a neighbour in a Status; empty when there is no connection.
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
	// Status is a node's own state.
	Status struct {
		PeerID      string     `json:"peer_id"`
		Key         uint16     `json:"key"`
		RingAddress string     `json:"ring_address"`
		State       string     `json:"state"` // "joining", "active" or "leaving"
		Addrs       []string   `json:"addrs"`
		Successor   Member     `json:"successor"` // itself when alone
		Predecessor *Member    `json:"predecessor"`
		Successors  []Member   `json:"successors"`
		Files       []FileInfo `json:"files"`        // those it owns
		BackupFiles []FileInfo `json:"backup_files"` // those it holds for others
		Storage     Storage    `json:"storage"`
		Network     Network    `json:"network"`
		Bootstrap   []Contact  `json:"bootstrap"`
		Ring        RingHealth `json:"ring"`
		Repair      Repair     `json:"repair"`
		Arc         Arc        `json:"arc"`
		// CopiesMissing is how many records of the node's arc are not on all of their holders yet, as far as it knows.
		CopiesMissing int `json:"copies_missing"`
	}
	// Arc is the part of the ring that a node owns: the keys after From, its predecessor's, up to its own.
	Arc struct {
		From   uint16 `json:"from"`
		To     uint16 `json:"to"`
		Synced bool   `json:"synced"` // it is served, under a grant of the predecessor
		Why    string `json:"why"`    // why it isn't, or empty
	}
	// Repair is what is still to be done for the copies that a node answers for: those of its own
	// files, as far as it knows, and the blocks that it shall hold itself.
	Repair struct {
		PeersBehind   int   `json:"peers_behind"`   // holders not compared with yet since the neighbours changed
		RecordsShort  int   `json:"records_short"`  // not on all of their holders yet: the same as Status.CopiesMissing
		BlocksMissing int64 `json:"blocks_missing"` // to be fetched for this node
	}
	// Storage is what a node's store takes, in bytes; CapacityBytes is 0 when only the disk bounds it.
	Storage struct {
		UsedBytes     int64 `json:"used_bytes"`
		CapacityBytes int64 `json:"capacity_bytes"`
		FreeDiskBytes int64 `json:"free_disk_bytes"`
		// Failed says why the disk takes no changes; it is empty while it does.
		Failed string `json:"failed"`
		// Aside says that the node has left the ring because of that, and comes back when the disk can be written.
		Aside bool `json:"aside"`
	}
	// Network is how others reach the node.
	Network struct {
		Reachability string `json:"reachability"` // "public", "private" or "unknown"
		DirectPeers  int    `json:"direct_peers"`
		RelayedPeers int    `json:"relayed_peers"`
	}
	// Contact is a bootstrap peer.
	Contact struct {
		Addr      string `json:"addr"`
		Connected bool   `json:"connected"`
	}
	// RingHealth tells whether the ring looks right from here.
	RingHealth struct {
		OK       bool     `json:"ok"`
		Problems []string `json:"problems"`
	}
	// HandOver is one file given to another peer, or not, when a node goes.
	HandOver = replication.HandOver
)
