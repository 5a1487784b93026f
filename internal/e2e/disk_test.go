package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fillDisk writes to a disk until it takes nothing more, and returns the file.
func fillDisk(t *testing.T, disk string) string {
	t.Helper()
	name := filepath.Join(disk, "other")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); err == nil; {
		_, err = f.Write(b)
	}
	_ = f.Close() // it has no more room
	return name
}

// Another program fills the disk of one of four nodes: files are put and got as before, through that
// node too, and it comes back by itself when there is room. A start on the full disk says what is wrong.
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
			if what == "meanwhile" { // who owns it depends on when the node steps aside
				must(t, nil, "put", r.files[name].path, "--name="+name, "--data", r.any().data)
				continue
			}
			r.put(name)
		}
	}
	put("before")
	other := fillDisk(t, disk)
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
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	r.settled()
	put("after")
	r.readable()

	other = fillDisk(t, disk)
	small.kill()
	_, errs, code = run(t, nil, append(args, "--data", small.data)...)
	if code != 7 || !strings.Contains(string(errs), "is full") || strings.Count(strings.TrimSpace(string(errs)), "\n") > 0 {
		t.Errorf("a start on a full disk: exit %d: %s", code, errs)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
}
