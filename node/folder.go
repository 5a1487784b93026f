package node

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
	identityFile = "identity.key" // the private key
	memoryFile   = "peers.json"   // who was in the ring; see memory
	// collectionFile says since when tombstones are at all holders.
	collectionFile = "deletes.json"
	portFile       = "ports.json" // the free ports that were chosen; see p2phost.Config.PortFile
	storeFolder    = "store"      // records and blocks
)

// folder is an open data folder. It is locked: one process at a time.
type folder struct {
	dir  string
	lock *durable.Folder
	key  crypto.PrivKey

	// What was remembered at the last stop.
	peers    []*pb.Peer
	holders  []*pb.Peer
	hadPeers bool
	memory   memory

	mu      sync.Mutex // guards memory and written once the folder is open
	written []byte     // the memory as it stands on disk
	emptied bool       // the node has left for good: its records go when it is closed
}

// memory is what a node remembers from one start to the next, so that it rejoins
// without a bootstrap peer. Peers are descriptions as they are sent, signatures included.
type memory struct {
	Peers   [][]byte `json:"peers"`
	Holders [][]byte `json:"holders"`
	// HadPeers says that the node was in a ring with others, so that it must not found one by itself.
	HadPeers bool `json:"had_peers"`
	replication.Remembered
}

// openDataFolder locks dir and reads what is there; identity and memory are made when they are not.
func openDataFolder(dir string) (f *folder, err error) {
	lock, err := durable.LockFolder(dir)
	if err != nil {
		return nil, err
	}
	f = &folder{dir: dir, lock: lock}
	defer func() {
		if err != nil {
			_ = lock.Unlock()
		}
	}()
	if f.key, err = p2phost.LoadOrCreateIdentity(filepath.Join(dir, identityFile)); err != nil {
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

// readMemory returns the peers that the data folder remembers, without locking it; none if it can't be
// read.
func readMemory(dir string) []*pb.Peer {
	raw, err := os.ReadFile(filepath.Join(dir, memoryFile))
	var m memory
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return unpack(m.Peers)
}

const (
	// maxRememberedPeers bounds the peers that are written down. A few that answer are enough to find back into the ring.
	maxRememberedPeers = 256
	// maxRememberedHearsay is up to how many of them are filled up with peers that have not spoken to this node themselves.
	maxRememberedHearsay = 64
	// maxReadPeers bounds the peers that are read: an older program wrote down all that it had heard of.
	maxReadPeers = 2048
)

// cut bounds a memory that has grown on disk. This run still tries all peers that it has read.
func (f *folder) cut() error {
	large := func(b []byte) bool { return len(b) > protocol.MaxKeptPeer }
	f.peers, f.holders = spread(f.peers, maxReadPeers), spread(f.holders, maxRememberedPeers)
	if len(f.memory.Peers) <= maxRememberedPeers && len(f.memory.Holders) <= maxRememberedPeers &&
		!slices.ContainsFunc(f.memory.Peers, large) && !slices.ContainsFunc(f.memory.Holders, large) {
		return nil
	}
	return f.keep(writable(f.peers), writable(f.holders), f.memory)
}

// spread is a list, or so many of it from beginning to end.
func spread[T any](list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	out := make([]T, most)
	for i := range out {
		out[i] = list[i*len(list)/most]
	}
	return out
}

// writable is what may be written down of peers.
func writable(peers []*pb.Peer) []*pb.Peer {
	var out []*pb.Peer
	for _, p := range spread(peers, maxRememberedPeers) {
		if info, err := protocol.ParsePeer(p); err == nil {
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

// keep writes what is to be remembered.
func (f *folder) keep(peers, holders []*pb.Peer, m memory) error {
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

// change changes what is remembered and writes it at once.
func (f *folder) change(change func(*memory)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.memory
	change(&m)
	return f.write(m)
}

// write writes the memory if it isn't on disk already.
func (f *folder) write(m memory) error {
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

// empty removes records, blocks and what is remembered: the node has left for good.
// Its identity stays, so that it may come back as itself.
func (f *folder) empty() error {
	return errors.Join(
		os.RemoveAll(filepath.Join(f.dir, storeFolder)),
		os.RemoveAll(filepath.Join(f.dir, memoryFile)),
		os.RemoveAll(filepath.Join(f.dir, collectionFile)),
	)
}

// close gives the folder back, emptied when the node has left for good.
func (f *folder) close() error {
	var err error
	if f.emptied {
		err = f.empty()
	}
	return errors.Join(err, f.lock.Unlock())
}
