package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fillDisk keeps a disk full, as a program that never stops writing does: it takes any space that
// others free at once. The function that it returns stops it and makes room.
func fillDisk(t *testing.T, disk string) (makeRoom func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "other"))
	if err != nil {
		t.Fatal(err)
	}
	fill := func() {
		var err error
		for b := make([]byte, 4096); err == nil; {
			_, err = f.Write(b)
		}
	}
	fill()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fill()
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-stopped
		_ = f.Close() // it has no more room
		if err := os.Remove(f.Name()); err != nil {
			t.Error(err)
		}
	})
}

// Another program fills the disk of one of four nodes. Puts and gets succeed as before, through
// that node too, and it returns by itself when there is room. A start on the full disk explains
// what is wrong.
func TestTheDiskOfOneNodeIsFullForAWhile(t *testing.T) {
	t.Parallel()
	disk := mounted(t, "200m")
	r := newRing(t, "localhost:8001", "localhost:8002", "localhost:8003")
	args := []string{
		"node", "--ring-address", "localhost:8004", "--listen", "/ip4/127.0.0.1/tcp/0",
		"--bootstrap", r.boot.addrs[0], "--mdns=false", "--no-prompt",
	}
	small := startProcess(t, filepath.Join(disk, "node"), args...)
	small.address = "localhost:8004"
	r.nodes = append(r.nodes, small)
	r.settled()
	put := func(what string) {
		t.Helper()
		for i := range 12 {
			name := fmt.Sprintf("%s/%d", what, i)
			r.create(name, int64(i*3000))
			if what == "meanwhile" { // its owner depends on when the node steps aside
				must(t, nil, "put", r.files[name].path, "--name="+name, "--data", r.any().data)
				continue
			}
			r.put(name)
		}
	}
	put("before")
	makeRoom := fillDisk(t, disk)
	defer makeRoom()
	put("meanwhile")
	waitFor(t, "the node steps aside", func() error {
		h, err := small.api().Health(t.Context())
		if err == nil && !h.Storage.Aside {
			err = errors.New("it hasn't")
		}
		return err
	})
	_, errs, code := run(t, nil, "health", "--data", small.data)
	if code == 0 || !strings.Contains(string(errs), "stepped aside") {
		t.Errorf("health says %d: %s", code, errs)
	}
	r.readable()
	makeRoom()
	r.settled()
	put("after")
	r.readable()

	makeRoom = fillDisk(t, disk)
	defer makeRoom()
	small.kill()
	_, errs, code = run(t, nil, append(args, "--data", small.data)...)
	if code != 7 || !strings.Contains(string(errs), "is full") || strings.Count(strings.TrimSpace(string(errs)), "\n") > 0 {
		t.Errorf("a start on a full disk: exit %d: %s", code, errs)
	}
}
