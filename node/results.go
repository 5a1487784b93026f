package node

import (
	"github.com/p2pchord/p2pchord/internal/replication"
)

// The results of a peer's operations. Their JSON is the command line's contract:
// fields may be added, never renamed.
type (
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
		// CopiesMissing is how many records of the node's arc are not on all of their holders yet,
		// as far as it knows.
		CopiesMissing int `json:"copies_missing"`
	}
	// Arc is the part of the ring that a node owns: the keys after From, its predecessor's, up to
	// its own.
	Arc struct {
		From   uint16 `json:"from"`
		To     uint16 `json:"to"`
		Synced bool   `json:"synced"` // it is served, under a grant of the predecessor
		Why    string `json:"why"`    // why it isn't, or empty
	}
	// Repair is what is still to be done for the copies that a node answers for: those of its own
	// files, as far as it knows, and the blocks that it shall hold itself.
	Repair struct {
		// holders not compared with yet since the neighbors changed
		PeersBehind int `json:"peers_behind"`
		// not on all of their holders yet: the same as Status.CopiesMissing
		RecordsShort  int   `json:"records_short"`
		BlocksMissing int64 `json:"blocks_missing"` // to be fetched for this node
	}
	// Storage is what a node's store takes, in bytes; CapacityBytes is 0 when only the disk bounds
	// it.
	Storage struct {
		UsedBytes     int64 `json:"used_bytes"`
		CapacityBytes int64 `json:"capacity_bytes"`
		FreeDiskBytes int64 `json:"free_disk_bytes"`
		// Failed says why the disk takes no changes; it is empty while it does.
		Failed string `json:"failed"`
		// Aside says that the node has left the ring because of that, and comes back when the disk
		// can be written.
		Aside bool `json:"aside"`
	}
	// Network is how others reach the node.
	Network struct {
		Reachability string `json:"reachability"` // "public", "private" or "unknown"
		DirectPeers  int    `json:"direct_peers"`
		RelayedPeers int    `json:"relayed_peers"`
		// Private is whether the ring is a private network, of which ID, Name, and the node's Role
		// are shown.
		Private bool   `json:"private"`
		Name    string `json:"name"`
		ID      string `json:"id"`
		Role    string `json:"role"`
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
	// Damage is a block that was found bad and set aside. It is fetched anew from another holder.
	Damage struct {
		Hash  string `json:"hash"` // BLAKE3-256, hex
		Error string `json:"error"`
	}
	// Verified is what Verify has found.
	Verified struct {
		Blocks int   `json:"blocks"` // read
		Bytes  int64 `json:"bytes"`
		Bad    int   `json:"bad"`
	}
)
