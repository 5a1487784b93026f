package sim

import (
	"context"
	"maps"
	"slices"

	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/virtualdisk"
	"github.com/p2pchord/p2pchord/ring"
)

// folder are the small files on a disk: replication.Folder.
type folder struct {
	disk       *virtualdisk.Disk
	peers      peersFile
	collection map[string]int64 // deletes.json
}

// peersFile is what peers.json holds.
type peersFile struct {
	replication.Remembered
	Peers, Holders []ring.Position
	HadPeers       bool
}

// save writes peers.json. What can't be written now is written later.
func (f *folder) save(v *ring.View, m replication.Remembered) {
	peers := peersFile{
		Remembered: m, Peers: v.Peers(), HadPeers: f.peers.HadPeers || v.HadPeers(),
		Holders: slices.Concat(v.Predecessors(), v.Successors()),
	}
	_ = f.disk.Change(context.Background(), func() error { f.peers = peers; return nil })
}

// HadPeers implements replication.Folder.
func (f *folder) HadPeers() bool { return f.peers.HadPeers }

// Remembered implements replication.Folder.
func (f *folder) Remembered() replication.Remembered { return f.peers.Remembered }

// Remember implements replication.Folder.
func (f *folder) Remember(change func(*replication.Remembered)) error {
	return f.disk.Change(context.Background(), func() error { change(&f.peers.Remembered); return nil })
}

// LoadCollection implements replication.Folder.
func (f *folder) LoadCollection() (map[string]int64, error) { return maps.Clone(f.collection), nil }

// SaveCollection implements replication.Folder.
func (f *folder) SaveCollection(full map[string]int64) error {
	full = maps.Clone(full)
	return f.disk.Change(context.Background(), func() error { f.collection = full; return nil })
}

// clear removes the files, with all else on the disk.
func (f *folder) clear() {
	f.disk.Clear()
	f.peers, f.collection = peersFile{}, nil
}
