package virtualfolder

import (
	"context"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/env/virtual"
	"github.com/p2pchord/p2pchord/internal/replication"
	"github.com/p2pchord/p2pchord/internal/virtualdisk"
)

var _ replication.Folder = (*Folder)(nil)

// What is remembered outlives a crash, but not the disk.
func TestFolder(t *testing.T) {
	t.Parallel()
	w := virtual.New(virtual.NewDice(1, 1), func(err error) { t.Error(err) })
	p, d := w.NewPeer(), virtualdisk.New(w)
	f := New(d)
	e := p.Start()
	d.Start(e)
	e.Go("writing", func(context.Context) {
		err := f.Remember(func(r *replication.Remembered) { r.Copies = 5 })
		if err == nil {
			err = f.SaveCollection(map[string]int64{"a": 1})
		}
		if err != nil {
			t.Error(err)
		}
	}, nil)
	for w.Due(time.Second) {
		w.Next(time.Second)
	}
	p.End()
	d.Crash()
	if c, err := f.LoadCollection(); err != nil || c["a"] != 1 || f.Remembered().Copies != 5 {
		t.Errorf("after a crash %v and %+v are left: %v", c, f.Remembered(), err)
	}
	f.Clear()
	if c, _ := f.LoadCollection(); len(c) > 0 || f.Remembered().Copies > 0 || f.HadPeers() {
		t.Error("something is left of a folder whose disk is cleared")
	}
}
