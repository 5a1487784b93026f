package virtualfolder

import (
	"context"
	"maps"
	"slices"

	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/virtualdisk"
	"github.com/p2pchord/p2pchord/ring"
)

// Folder is the small files on a disk: replication.Folder.
type Folder struct {
	disk       *virtualdisk.Disk
	peers      Peers
	collection map[string]int64 // deletes.json
}

// New returns the folder of a new disk.
func New(disk *virtualdisk.Disk) *Folder { return &Folder{disk: disk} }

// Peers is what peers.json holds.
type Peers struct {
	replication.Remembered
	Peers, Holders []ring.Position
	HadPeers       bool
}

// Peers is what peers.json holds, as last written.
func (f *Folder) Peers() Peers { return f.peers }

// Save writes peers.json. What can't be written now is written later.
func (f *Folder) Save(v *ring.View, m replication.Remembered) {
	peers := Peers{
		Remembered: m, Peers: v.Peers(), HadPeers: f.peers.HadPeers || v.HadPeers(),
		Holders: slices.Concat(v.Predecessors(), v.Successors()),
	}
	_ = f.disk.Change(context.Background(), func() error { f.peers = peers; return nil })
}

// HadPeers implements replication.Folder.
func (f *Folder) HadPeers() bool { return f.peers.HadPeers }

// Remembered implements replication.Folder.
func (f *Folder) Remembered() replication.Remembered { return f.peers.Remembered }

// Remember implements replication.Folder.
func (f *Folder) Remember(change func(*replication.Remembered)) error {
	return f.disk.Change(context.Background(), func() error { change(&f.peers.Remembered); return nil })
}

// LoadCollection implements replication.Folder.
func (f *Folder) LoadCollection() (map[string]int64, error) { return maps.Clone(f.collection), nil }

// SaveCollection implements replication.Folder.
func (f *Folder) SaveCollection(full map[string]int64) error {
	full = maps.Clone(full)
	return f.disk.Change(context.Background(), func() error { f.collection = full; return nil })
}

// Clear removes the files, with all else on the disk.
func (f *Folder) Clear() {
	f.disk.Clear()
	f.peers, f.collection = Peers{}, nil
}
