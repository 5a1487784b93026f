// Package nodefolder is the data folder of a node: its lock, its identity, and what it remembers
// from one start to the next.
//
// It knows the names of what is in there. What the store keeps is the store's matter, and who is
// worth remembering is decided by [Choose]. It starts no goroutines. The lock of a Folder guards
// what is remembered, and is held while that is written to the disk; no other lock is taken
// meanwhile.
package nodefolder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// What a data folder holds, beside its lock and its format:
const (
	// IdentityFile is the private key.
	IdentityFile = "identity.key"
	memoryFile   = "peers.json" // who was in the ring; see memory
	// collectionFile says since when tombstones are at all holders.
	collectionFile = "deletes.json"
	portFile       = "ports.json" // the free ports that were chosen; see p2phost.Config.PortFile
	storeFolder    = "store"      // records and blocks
)

// Folder is an open data folder. It is locked: one process at a time.
type Folder struct {
	dir  string
	lock *durable.Folder
	key  crypto.PrivKey

	peers    []*pb.Peer
	holders  []*pb.Peer
	hadPeers bool

	mu      sync.Mutex // guards the rest once the folder is open
	memory  memory
	written []byte // the memory as it stands on disk
	emptied bool   // the node has left for good: its records go when the folder is closed
}

// memory is what a node remembers from one start to the next, so that it rejoins
// without a bootstrap peer. Peers are descriptions as they are sent, signatures included.
type memory struct {
	Peers   [][]byte `json:"peers"`
	Holders [][]byte `json:"holders"`
	// HadPeers says that the node was in a ring with others, so that it must not found one by
	// itself.
	HadPeers bool `json:"had_peers"`
	replication.Remembered
}

// Open locks dir and reads what is there; identity and memory are made when they are not.
func Open(dir string) (f *Folder, err error) {
	lock, err := durable.LockFolder(dir)
	if err != nil {
		return nil, err
	}
	f = &Folder{dir: dir, lock: lock}
	defer func() {
		if err != nil {
			_ = lock.Unlock()
		}
	}()
	if f.key, err = p2phost.LoadOrCreateIdentity(filepath.Join(dir, IdentityFile)); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, memoryFile))
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	var m memory
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s is damaged; move it away to start without remembered peers: %w", filepath.Join(dir, memoryFile), err)
	}
	f.hadPeers, f.memory, f.written = m.HadPeers, m, raw
	f.peers, f.holders = unpack(m.Peers), unpack(m.Holders)
	if err := f.cut(); err != nil {
		return nil, err
	}
	return f, nil
}

// Key is the identity of the node.
func (f *Folder) Key() crypto.PrivKey { return f.key }

// Warning says what is not as it should be with the lock; empty when nothing is.
func (f *Folder) Warning() string { return f.lock.Warning }

// Peers are those that were in the ring at the last stop, Holders those of them that had copies of
// the node's arc. Nobody has verified them since.
func (f *Folder) Peers() []*pb.Peer { return f.peers }

// Holders are the peers that had copies of the node's arc.
func (f *Folder) Holders() []*pb.Peer { return f.holders }

// StorePath is where the store of the data folder dir is.
func StorePath(dir string) string { return filepath.Join(dir, storeFolder) }

// PortFile is where the data folder dir keeps the free ports that were chosen.
func PortFile(dir string) string { return filepath.Join(dir, portFile) }

// ReadPeers returns the peers that the data folder dir remembers, without locking it; none if it
// can't be read.
func ReadPeers(dir string) []*pb.Peer {
	raw, err := os.ReadFile(filepath.Join(dir, memoryFile))
	var m memory
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return unpack(m.Peers)
}

const (
	// MaxPeers bounds the peers that are written down. A few that answer are enough to find back
	// into the ring.
	MaxPeers = 256
	// maxHearsay is up to how many of them are filled up with peers that have not spoken to this
	// node themselves.
	maxHearsay = 64
	// maxReadPeers bounds the peers that are read: an older program wrote down all that it had
	// heard of.
	maxReadPeers = 2048
)

// cut bounds a memory that has grown on disk. This run still tries all peers that it has read.
func (f *Folder) cut() error {
	large := func(b []byte) bool { return len(b) > protocol.MaxKeptPeer }
	f.peers, f.holders = spread(f.peers, maxReadPeers), spread(f.holders, MaxPeers)
	if len(f.memory.Peers) <= MaxPeers && len(f.memory.Holders) <= MaxPeers &&
		!slices.ContainsFunc(f.memory.Peers, large) && !slices.ContainsFunc(f.memory.Holders, large) {
		return nil
	}
	return f.Keep(writable(f.peers), writable(f.holders), f.hadPeers, f.memory.Remembered)
}

// writable is what may be written down of peers.
func writable(peers []*pb.Peer) []*pb.Peer {
	var out []*pb.Peer
	for _, p := range spread(peers, MaxPeers) {
		if len(p.GetNetwork()) > 0 { // one of a private ring is never larger, or is no good there
			if proto.Size(p) <= protocol.MaxKeptPeer {
				out = append(out, p)
			}
		} else if info, err := protocol.ParsePeer(p); err == nil {
			out = append(out, info.Message)
		}
	}
	return out
}

// unpack decodes descriptions; what doesn't decode is left out, as what doesn't verify will be.
func unpack(raw [][]byte) []*pb.Peer {
	var out []*pb.Peer
	for _, b := range raw {
		p := &pb.Peer{}
		if proto.Unmarshal(b, p) == nil {
			out = append(out, p)
		}
	}
	return out
}

func pack(peers []*pb.Peer) ([][]byte, error) {
	out := make([][]byte, 0, len(peers))
	for _, p := range peers {
		b, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Keep writes what is to be remembered. hadPeers says that the node has been in a ring with others.
func (f *Folder) Keep(peers, holders []*pb.Peer, hadPeers bool, r replication.Remembered) error {
	m := memory{HadPeers: f.hadPeers || hadPeers, Remembered: r}
	var err error
	if m.Peers, err = pack(peers); err != nil {
		return err
	}
	if m.Holders, err = pack(holders); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.write(m)
}

// HadPeers implements replication.Folder.
func (f *Folder) HadPeers() bool { return f.hadPeers }

// Remembered implements replication.Folder.
func (f *Folder) Remembered() replication.Remembered {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.memory.Remembered
}

// Remember implements replication.Folder.
func (f *Folder) Remember(change func(*replication.Remembered)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.memory
	change(&m.Remembered)
	return f.write(m)
}

// write writes the memory if it isn't on disk already.
func (f *Folder) write(m memory) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f.memory = m
	if bytes.Equal(raw, f.written) {
		return nil
	}
	f.written = nil
	if err := durable.WriteFile(filepath.Join(f.dir, memoryFile), raw, 0o600); err != nil {
		return err
	}
	f.written = raw
	return nil
}

// LoadCollection implements replication.Folder.
func (f *Folder) LoadCollection() (full map[string]int64, err error) {
	raw, err := os.ReadFile(filepath.Join(f.dir, collectionFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &full)
	}
	return full, err
}

// SaveCollection implements replication.Folder.
func (f *Folder) SaveCollection(full map[string]int64) error {
	raw, err := json.Marshal(full)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(f.dir, collectionFile), raw, 0o600)
}

// empty removes records, blocks and what is remembered: the node has left for good.
// Its identity stays, so that it may come back as itself.
func (f *Folder) empty() error {
	return errors.Join(
		os.RemoveAll(filepath.Join(f.dir, storeFolder)),
		os.RemoveAll(filepath.Join(f.dir, memoryFile)),
		os.RemoveAll(filepath.Join(f.dir, collectionFile)),
	)
}

// EmptyAtClose has Close remove records, blocks, and what is remembered.
func (f *Folder) EmptyAtClose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.emptied = true
}

// Close gives the folder back.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.emptied {
		err = f.empty()
	}
	return errors.Join(err, f.lock.Unlock())
}
