package nodefolder

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/p2pchord/p2pchord/internal/chord/book/booktest"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A memory of peers that has grown on disk is cut when the folder is opened.
func TestRememberedPeersAreCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var peers []*pb.Peer
	for range 400 {
		peers = append(peers, booktest.MadeUp(t, 300))
	}
	if err := f.Keep(peers, peers[:3], true, replication.Remembered{Copies: 3}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if f, err = Open(dir); err != nil {
			t.Fatal(err)
		}
		if !f.hadPeers || f.Remembered().Copies != 3 || len(f.holders) != 3 || len(f.peers) < MaxPeers {
			t.Errorf("read: had peers %t, %d copies, %d holders, %d peers", f.hadPeers, f.Remembered().Copies, len(f.holders), len(f.peers))
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(filepath.Join(dir, memoryFile))
		if err != nil || st.Size() > 128<<10 {
			t.Errorf("peers.json has %d bytes (%v)", st.Size(), err)
		}
	}
}
