package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/node"
)

// sampleFiles puts files at all nodes in turn, one of them of several blocks.
func (c *cluster) sampleFiles(n int) map[string][]byte {
	files := map[string][]byte{}
	for i := range n {
		name, size := fmt.Sprintf("sample/%d.bin", i), i*331
		if i == n/2 {
			size = 2*node.DefaultBlockSize + 5
		}
		files[name] = bytesOf(uint64(i), size)
		live := c.live()
		c.put(live[i%len(live)], name, files[name])
	}
	return files
}

// readable checks that every live node gets every file.
func (c *cluster) readable(files map[string][]byte) {
	c.t.Helper()
	for i, n := range c.live() {
		for name, want := range files {
			if got := c.get(n, name); !bytes.Equal(got, want) {
				c.t.Errorf("%q through node %d: got %d bytes, want %d", name, i, len(got), len(want))
			}
		}
	}
}

// replicated waits until each file is complete on its owner, the owner's predecessor and its
// successor, as the members' order names them, and nowhere else.
func (c *cluster) replicated(files map[string][]byte) {
	c.t.Helper()
	c.eventually("every file is on owner, predecessor and successor", func() string {
		var members []node.Member
		for m, err := range c.live()[0].Members(c.t.Context()) {
			if err != nil {
				return err.Error()
			}
			members = append(members, m)
		}
		for name := range files {
			st, err := c.live()[0].Stat(c.t.Context(), name)
			if err != nil {
				return err.Error()
			}
			i, _ := slices.BinarySearchFunc(members, st.Key, func(m node.Member, k uint16) int { return int(m.Key) - int(k) })
			size := len(members)
			want := []string{members[i%size].PeerID, members[(i+size-1)%size].PeerID, members[(i+1)%size].PeerID}
			slices.Sort(want)
			want = slices.Compact(want)
			var got []string
			for _, h := range st.Holders {
				if !h.Complete {
					return name + " is not complete everywhere"
				}
				got = append(got, h.PeerID)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				return fmt.Sprintf("%s is on %v, want %v", name, got, want)
			}
		}
		return ""
	})
}

func TestJoinLeaveQuitCrash(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 5)
	files := c.sampleFiles(30)
	c.replicated(files)
	c.readable(files)

	t.Log("join")
	c.start(node.Config{})
	c.settled()
	c.readable(files)
	c.replicated(files)

	t.Log("leave")
	var handed []node.HandOver
	if err := c.nodes[1].Leave(t.Context(), func(h node.HandOver) { handed = append(handed, h) }); err != nil {
		t.Fatalf("leave: %v", err)
	}
	for _, h := range handed {
		if h.Error != "" || h.To == "" {
			t.Errorf("leaving, %q was not handed over: %s", h.Name, h.Error)
		}
	}
	c.readable(files)
	c.settled()
	c.replicated(files)

	t.Log("quit")
	if err := c.nodes[2].Quit(t.Context(), nil); err != nil {
		t.Fatalf("quit: %v", err)
	}
	c.readable(files)
	c.settled()
	c.replicated(files)

	t.Log("crash")
	if err := c.nodes[3].Close(); err != nil {
		t.Fatal(err)
	}
	c.readable(files)
	c.settled()
	c.replicated(files)
}

func TestTheRingRunsOnWithoutTheBootstrapPeer(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	files := c.sampleFiles(8)
	if err := c.boot.Close(); err != nil {
		t.Fatal(err)
	}
	c.put(c.nodes[0], "without", []byte("bootstrap"))
	files["without"] = []byte("bootstrap")
	c.readable(files)

	data := t.TempDir()
	// A node that has been in the ring rejoins through the peers that it remembers.
	// a member in place of a bootstrap peer
	n := c.start(node.Config{Data: data, Bootstrap: c.nodes[0].Addrs()})
	c.settled()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	c.start(node.Config{Data: data, Bootstrap: c.addrs})
	c.settled()
	c.readable(files)
	c.replicated(files)
}

func TestEqualKeys(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	// These two have the key 42223; see ring/testdata/ring.json.
	for _, a := range []string{"localhost:20096", "localhost:20225", "localhost:8001", "localhost:8002"} {
		c.start(node.Config{RingAddress: a})
	}
	c.settled()
	files := c.sampleFiles(20)
	for _, name := range []string{"file-27.txt", "file-115.txt"} { // both have the key 52422
		files[name] = []byte(name)
		c.put(c.nodes[0], name, files[name])
	}
	c.readable(files)
	if err := c.nodes[0].Leave(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	c.settled()
	c.readable(files)
}

func TestRemove(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	files := c.sampleFiles(4)
	for name := range files {
		if err := c.nodes[0].Remove(t.Context(), name); err != nil {
			t.Fatalf("rm %q: %v", name, err)
		}
	}
	for _, n := range c.nodes {
		for name := range files {
			if _, err := n.Get(t.Context(), name, node.GetOptions{}); !errors.Is(err, node.ErrNotFound) {
				t.Errorf("get of the removed %q: %v, want not found", name, err)
			}
		}
		for f, err := range n.List(t.Context(), "") {
			t.Errorf("ls shows %v, %v after everything was removed", f, err)
		}
	}
	if err := c.nodes[1].Remove(t.Context(), "sample/0.bin"); !errors.Is(err, node.ErrNotFound) {
		t.Errorf("rm of what isn't there: %v, want not found", err)
	}
}

func TestOverwriteListStatLookup(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	old := c.put(c.nodes[0], "a", []byte("old"))
	res := c.put(c.nodes[1], "a", []byte("new"))
	if res.Version <= old.Version {
		t.Errorf("the second version %s is not greater than the first, %s", res.Version, old.Version)
	}
	if got := c.get(c.nodes[2], "a"); string(got) != "new" {
		t.Errorf("got %q after the overwrite", got)
	}
	if res.Copies != 3 || res.Wanted != 3 {
		t.Errorf("the put has %d copies of %d, want 3 of 3", res.Copies, res.Wanted)
	}
	c.put(c.nodes[1], "b", []byte("b"))
	client, err := node.Dial(t.Context(), node.ClientConfig{Bootstrap: c.addrs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if got := c.get(client, "a"); string(got) != "new" {
		t.Errorf("a passing client got %q", got)
	}
	var names []string
	for f, err := range client.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if f.Copies != 3 {
			t.Errorf("ls shows %d copies of %q", f.Copies, f.Name)
		}
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("ls shows %q", names)
	}
	for _, n := range c.nodes {
		l, err := n.Lookup(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if l.Owner.PeerID != res.Owner || len(l.Path) != l.Hops+1 || l.Path[0].PeerID != n.PeerID() {
			t.Errorf("lookup %+v, want the owner %s", l, res.Owner)
		}
	}
}
