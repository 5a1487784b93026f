package ring

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// vectors are keys, rings, owners and collisions that were worked out independently.
type vectors struct {
	Hasher []struct {
		In  string
		Key Key
	}
	Rings []struct {
		Nodes []struct {
			Host string
			Port int
			Key  Key
		}
		Files []struct {
			Name                          string
			Key                           Key
			Owner, Predecessor, Successor string
		}
	}
	EqualKeys []struct {
		Key  Key
		A, B string
	} `json:"equal_keys"`
	EqualFileKeys []struct {
		Key  Key
		A, B string
	} `json:"equal_file_keys"`
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile("testdata/ring.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Hasher) == 0 || len(v.Rings) == 0 || len(v.EqualKeys) == 0 || len(v.EqualFileKeys) == 0 {
		t.Fatal("the vectors are empty")
	}
	return v
}

// address takes "host:port" to the string that is hashed, host immediately followed by port.
func address(hostPort string) string {
	i := len(hostPort) - 1
	for hostPort[i] != ':' {
		i--
	}
	return hostPort[:i] + hostPort[i+1:]
}

// nodeAt is a node of the vectors, with its address for a peer ID.
func nodeAt(hostPort string) Position {
	return Position{Key: Hash(address(hostPort)), ID: ID(hostPort)}
}

// idealViews are the views of a ring at rest.
func idealViews(nodes []Position, r int) map[Position]*View {
	sorted := slices.SortedFunc(slices.Values(nodes), Position.Compare)
	views := map[Position]*View{}
	n := len(sorted)
	for i, p := range sorted {
		v := &View{self: p, joined: true, incorporated: true, peers: sorted}
		for k := 1; k <= min(r, n-1); k++ {
			v.succs = append(v.succs, sorted[(i+k)%n])
			v.preds = append(v.preds, sorted[(i-k+n)%n])
		}
		views[p] = v
	}
	return views
}

func TestVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, x := range v.Hasher {
		if got := Hash(x.In); got != x.Key {
			t.Errorf("Hash(%q) is %d, want %d", x.In, got, x.Key)
		}
	}
	for _, ring := range v.Rings {
		var nodes []Position
		for _, x := range ring.Nodes {
			p := nodeAt(fmt.Sprintf("%s:%d", x.Host, x.Port))
			if p.Key != x.Key {
				t.Errorf("the key of %v is not %d", p, x.Key)
			}
			nodes = append(nodes, p)
		}
		views := idealViews(nodes, 8)
		for _, f := range ring.Files {
			k := Hash(f.Name)
			if k != f.Key {
				t.Errorf("Hash(%q) is %d, want %d", f.Name, k, f.Key)
			}
			want := []Position{nodeAt(f.Owner), nodeAt(f.Predecessor), nodeAt(f.Successor)}
			checkFile(t, views, k, want)
		}
	}
}

// checkFile checks through every view who owns k and holds its copies.
func checkFile(t *testing.T, views map[Position]*View, k Key, want []Position) {
	t.Helper()
	for p, view := range views {
		if view.Owns(k) != (p == want[0]) {
			t.Errorf("%v: Owns(%d) is %v, the owner is %v", p, k, view.Owns(k), want[0])
		}
		if view.MayHold(k, 3) != slices.Contains(want, p) {
			t.Errorf("%v: MayHold(%d, 3) is %v, the holders are %v", p, k, view.MayHold(k, 3), want)
		}
		if got, complete := view.Holders(k, 3); complete && !slices.Equal(got, want) {
			t.Errorf("%v names for %d the holders %v, want %v", p, k, got, want)
		} else if slices.Contains(want, p) && !complete {
			t.Errorf("%v holds %d and can't tell who else does", p, k)
		}
		cur := p
		for range len(views) {
			next := views[cur].Next(k)
			if len(next) == 0 {
				break
			}
			cur = next[0]
		}
		if cur != want[0] {
			t.Errorf("from %v the route to %d ends at %v, want %v", p, k, cur, want[0])
		}
	}
}

// TestEqualKeys puts two nodes of one key into a ring: the one of the lower peer ID owns the files
// of that key, the other one nothing at all.
func TestEqualKeys(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	others := []Position{nodeAt("localhost:8001"), nodeAt("localhost:8002"), nodeAt("localhost:8003")}
	for _, x := range v.EqualKeys {
		a, b := nodeAt(x.A), nodeAt(x.B)
		if a.Key != x.Key || b.Key != x.Key {
			t.Fatalf("the keys of %v and %v are not %d", a, b, x.Key)
		}
		low, high := a, b
		if high.Compare(low) < 0 {
			low, high = high, low
		}
		nodes := append(slices.Clone(others), a, b)
		views := idealViews(nodes, 8)
		for _, k := range []Key{x.Key, x.Key - 1, x.Key + 1} {
			checkFile(t, views, k, owners(slices.SortedFunc(slices.Values(nodes), Position.Compare), k, 3))
		}
		if !views[low].Owns(x.Key) {
			t.Errorf("%v doesn't own %d", low, x.Key)
		}
		for k := range 1 << 16 {
			if views[high].Owns(Key(k)) {
				t.Fatalf("%v owns %d although %v stands before it", high, k, low)
			}
		}
	}
	for _, x := range v.EqualFileKeys {
		if Hash(x.A) != x.Key || Hash(x.B) != x.Key {
			t.Errorf("the keys of %q and %q are not %d", x.A, x.B, x.Key)
		}
	}
}
