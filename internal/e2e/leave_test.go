package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A file that no other node can take stays where it is, and is reported; the others are handed
// over.
func TestLeaveWithAFileThatNobodyCanTake(t *testing.T) {
	t.Parallel()
	r := newRing(t)
	big := r.start("localhost:8001")
	r.start("localhost:8003", "--capacity", "1MiB")
	r.settled()
	// Both names belong to localhost:8001, so that one copy stands there alone.
	var mine []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		if owner, _, _ := holdersOf(r.places(), name); owner == big.api().PeerID() {
			mine = append(mine, name)
		}
	}
	if len(mine) < 2 {
		t.Fatalf("of twelve names %q belong to the node", mine)
	}
	large, small := mine[0], mine[1]
	r.create(large, 3<<20)
	r.create(small, 1000)
	for _, name := range []string{large, small} {
		must(t, nil, "put", r.files[name].path, "--name", name, "--copies", "1", "--data", big.data)
	}
	out, errs, code := run(t, nil, "leave", "--data", big.data)
	<-big.ended
	if code != 1 || !bytes.Contains(errs, []byte(large)) {
		t.Errorf("leave: exit %d, want 1 and the name %q: %s", code, large, errs)
	}
	if !bytes.Contains(out, []byte(small)) {
		t.Errorf("leave does not say that %q was handed over: %s", small, out)
	}
	if _, err := os.Stat(filepath.Join(big.data, "store")); err != nil {
		t.Errorf("the store of the node that could not hand everything over: %v", err)
	}
	if err := r.check(r.live()[0], small); err != nil {
		t.Errorf("%q after the leave: %v", small, err)
	}
	// After a restart it still has the file.
	r.start("localhost:8001")
	r.settled()
	for _, p := range r.live() {
		if err := r.check(p, large); err != nil {
			t.Errorf("%q through %s after the restart: %v", large, p.address, err)
		}
	}
}

// A node registers with all of its bootstrap peers and joins through any.
func TestSeveralBootstrapPeers(t *testing.T) {
	t.Parallel()
	r := newRing(t, "localhost:8001")
	second := startProcess(t, filepath.Join(r.dir, "second"), "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0")
	r.start("localhost:8002", "--bootstrap", second.addrs[0])
	r.settled()
	r.boot.kill()
	// the first one is gone, the second introduces it
	r.start("localhost:8003", "--bootstrap", second.addrs[0])
	r.settled()
	r.create("f", 100_000)
	r.put("f")
	r.readable()
	for _, want := range []struct {
		node      int
		connected int
	}{{1, 1}, {2, 1}} {
		st, err := r.nodes[want.node].api().Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, b := range st.Bootstrap {
			if b.Connected {
				n++
			}
		}
		if len(st.Bootstrap) != 2 || n != want.connected {
			t.Errorf("%s has the bootstrap peers %+v, want one of two connected", r.nodes[want.node].address, st.Bootstrap)
		}
	}
}
