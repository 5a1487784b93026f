package walls

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/p2pchord/p2pchord"
	libp2p = "github.com/libp2p"
	cobra  = "github.com/spf13/cobra"
	pebble = "github.com/cockroachdb/pebble"
)

// wall says what the packages in a directory never import.
type wall struct {
	dir  string
	deny []string // import paths, with all beneath them
	// through forbids it through other packages of this module too; otherwise only in the files of
	// the directory.
	through bool
}

var pure = []string{"time", "context", "net", "os", "sync", "log", libp2p, "github.com/ipfs/go-log"}

// product are the packages that make up a peer.
var product = []string{
	module + "/node", module + "/gateway", module + "/share", module + "/bootstrap", module + "/store", module + "/protocol",
}

// walls lists all walls. A directory that doesn't exist yet has nothing to check.
var walls = []wall{
	// The command's packages work on what they are given; only its verbs know all of them.
	{"cmd/p2pchord", []string{module + "/store", module + "/protocol"}, false},
	{"cmd/p2pchord/internal/textfmt", slices.Concat(product, []string{libp2p, cobra}), true},
	{"cmd/p2pchord/internal/manual", slices.Concat(product, []string{libp2p}), true},
	{"cmd/p2pchord/internal/process", slices.Concat(product, []string{libp2p, cobra}), true},
	{"cmd/p2pchord/internal/logs", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap", cobra}, false},
	{"cmd/p2pchord/internal/settings", slices.Concat(product, []string{libp2p}), true},
	{"cmd/p2pchord/internal/flags", []string{module + "/store", module + "/protocol", cobra}, false},
	{"cmd/p2pchord/internal/userfiles", []string{module + "/store", module + "/protocol", module + "/bootstrap", module + "/cmd", cobra}, false},
	{"cmd/p2pchord/internal/prompt", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap", libp2p, cobra}, false},
	{"cmd/p2pchord/internal/view", []string{module + "/store", module + "/protocol", module + "/bootstrap", libp2p, cobra}, false},
	{"cmd/p2pchord/internal/demo", []string{module + "/store", module + "/protocol", module + "/bootstrap", libp2p, cobra}, false},
	{"cmd/p2pchord/internal/console", []string{module + "/store", module + "/protocol", module + "/bootstrap", cobra}, false},
	{"ring", pure, true},
	{"replica", pure, true},
	// Directly: the hash and the generated messages below it use package sync.
	{"network", pure, false},
	{"network", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/protocol/signed", libp2p}, true},
	{"store", []string{libp2p, module + "/node", module + "/protocol"}, true},
	{"store/internal/api", []string{module + "/store", pebble}, true},
	{"store/internal/digest", []string{"os", "sync", "time", "io/fs", pebble}, false},
	{"store/internal/capacity", []string{"os", "sync", "time", "io/fs", pebble}, false},
	{"store/internal/memory", []string{"os", "io/fs", pebble, module + "/store/internal/disk"}, false},
	{"store/internal/schema", []string{module + "/store/internal/database", module + "/store/internal/disk"}, true},
	{"store/internal/blocks", []string{module + "/store/internal/database", module + "/store/internal/schema", module + "/store/internal/journal"}, true},
	{"store/internal/locks", []string{module, pebble}, true},
	{"store/internal/disk", []string{module + "/store"}, true},
	{"store/internal/journal", []string{module + "/store/internal/database", module + "/store/internal/locks"}, true},
	{"store/internal/database", []string{module + "/store/internal/journal", module + "/store/internal/locks"}, true},
	{"protocol", []string{module + "/node", module + "/store"}, true},
	{"node", []string{"net/http", module + "/cmd"}, true},
	{"bootstrap", []string{module + "/node", module + "/store"}, true},
	{"bootstrap/roster", []string{"context", "net", "os", "sync", "log", libp2p}, false},
	{"share", []string{libp2p}, false},
	{"share/internal", []string{module + "/node", module + "/store", module + "/protocol", module + "/gateway", libp2p}, true},
	{"share/internal/ignore", append(pure, module), true},
	{"gateway", []string{libp2p, module + "/store"}, false},
	{"gateway/client", []string{module + "/gateway/events", module + "/gateway/metrics", module + "/gateway/internal/web"}, true},
	{"gateway/internal", []string{module + "/gateway/client", module + "/gateway/events", module + "/gateway/metrics"}, true},
	{"sim", []string{module + "/node", module + "/internal/p2phost"}, true},
	{"sim", []string{libp2p + "/go-libp2p/p2p", libp2p + "/go-libp2p/core/host", libp2p + "/go-libp2p/config"}, false},
	{"internal/netcheck", []string{module + "/node", module + "/store", module + "/gateway"}, true},
	{"internal/chord", []string{module + "/node", module + "/store"}, true},
	{"internal/admission", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/gateway"}, true},
	{"internal/nodefolder", []string{module + "/node"}, true},
	{"internal/joining", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/internal/p2phost"}, true},
	{"internal/writers", []string{module + "/node", module + "/store", module + "/internal/chord", module + "/internal/replication"}, true},
	{"internal/membership", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/internal/p2phost"}, true},
	{"internal/nodemetrics", []string{module + "/node"}, true},
	{"internal/replication", []string{module + "/node", module + "/internal/p2phost"}, true},
	{"internal/replication/arc", []string{module + "/internal/replication/clocks", module + "/internal/replication/commit", module + "/internal/replication/handover", module + "/internal/replication/orphans", module + "/internal/replication/quarantine", module + "/internal/replication/retractions", module + "/internal/replication/tombstones"}, true},
	{"internal/replication/clocks", []string{module + "/internal/chord", module + "/internal/transfer", module + "/store"}, false},
	{"internal/replication/commit", []string{module + "/internal/replication/clocks", module + "/internal/replication/handover", module + "/internal/replication/orphans", module + "/internal/replication/quarantine", module + "/internal/replication/tombstones"}, true},
	{"internal/replication/fetch", []string{module + "/internal/chord", module + "/internal/transfer"}, false},
	{"internal/replication/foreground", []string{module + "/internal/chord", module + "/internal/transfer", module + "/protocol", module + "/store"}, false},
	{"internal/replication/handover", []string{module + "/internal/replication/arc", module + "/internal/replication/clocks", module + "/internal/replication/commit", module + "/internal/replication/orphans", module + "/internal/replication/quarantine", module + "/internal/replication/tombstones"}, true},
	{"internal/replication/inventory", []string{module + "/internal/chord", module + "/internal/env", module + "/replica"}, false},
	{"internal/replication/localblocks", []string{module + "/internal/chord", module + "/internal/transfer", module + "/ring"}, false},
	{"internal/replication/orphans", []string{module + "/internal/replication/commit", module + "/internal/replication/handover", module + "/internal/replication/quarantine", module + "/internal/replication/tombstones"}, true},
	{"internal/replication/quarantine", []string{module + "/internal/replication/arc", module + "/internal/replication/commit", module + "/internal/replication/handover", module + "/internal/replication/orphans", module + "/internal/replication/tombstones"}, true},
	{"internal/replication/records", []string{"time", "context", "net", "os", "sync", "log", "github.com/ipfs/go-log", module + "/internal/chord", module + "/internal/env", module + "/internal/transfer"}, false},
	{"internal/replication/retractions", []string{module + "/internal/chord", module + "/internal/env", module + "/internal/transfer"}, false},
	{"internal/replication/tombstones", []string{module + "/internal/replication/commit", module + "/internal/replication/handover", module + "/internal/replication/orphans", module + "/internal/replication/quarantine"}, true},
	{"internal/standby", []string{module + "/node", module + "/internal/p2phost", module + "/internal/replication"}, true},
	// What others build on knows none of them.
	{"internal/env", []string{module + "/node", module + "/store", module + "/protocol", module + "/sim", libp2p}, true},
	{"internal/fault", []string{module}, true},
	{"internal/idealring", []string{"context", "net", "os", module + "/node", module + "/store", module + "/protocol", module + "/replica", module + "/internal", module + "/sim"}, false},
	{"internal/linearizability", []string{module + "/node", module + "/store", module + "/protocol", module + "/ring", module + "/replica", module + "/internal/env", module + "/sim", libp2p}, false},
	{"internal/shrink", []string{module}, true},
	{"internal/virtualbootstrap", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap", module + "/internal", module + "/sim", libp2p}, true},
	{"internal/virtualdisk", []string{module + "/node", module + "/protocol", module + "/internal/chord", module + "/internal/replication", module + "/sim", libp2p}, true},
	{"internal/virtualfolder", []string{module + "/node", module + "/bootstrap", module + "/internal/p2phost", module + "/internal/virtualnet", module + "/sim"}, true},
	{"internal/virtualmembers", []string{module + "/node", module + "/store", module + "/internal/chord", module + "/internal/replication", module + "/internal/p2phost", module + "/sim"}, true},
	{"internal/virtualnet", []string{module + "/node", module + "/internal/p2phost", module + "/sim"}, true},
	{"internal/virtualnet", []string{module + "/store", libp2p + "/go-libp2p/p2p", libp2p + "/go-libp2p/core/host", libp2p + "/go-libp2p/config"}, false},
	{"internal/durable", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap"}, true},
	{"internal/transfer", []string{module + "/node", module + "/store", module + "/bootstrap"}, true},
	{"internal/vault", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/internal/transfer", module + "/internal/p2phost"}, true},
	{"internal/vault", []string{"time", "context", "net", "os", "sync", "log", "github.com/ipfs/go-log"}, false},
	{"internal/connections", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/internal/netcheck", module + "/internal/chord", module + "/internal/replication"}, true},
	{"internal/discovery", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap"}, true},
	{"internal/instance", []string{module + "/node", module + "/store", module + "/bootstrap", module + "/internal/chord"}, true},
	{"internal/nodehealth", []string{module + "/node", module + "/internal/p2phost", module + "/internal/standby"}, true},
	{"internal/connpath", []string{module + "/node", module + "/protocol", module + "/bootstrap", module + "/internal/p2phost"}, true},
	{"internal/p2phost", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap"}, true},
	{"internal/certdate", []string{module, libp2p}, true},
	{"internal/portmap", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap", module + "/internal/p2phost"}, true},
	{"internal/tlsbatch", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap", module + "/internal/p2phost"}, true},
	{"internal/peeraddr", []string{module + "/node", module + "/store", module + "/protocol", module + "/bootstrap", module + "/internal/p2phost"}, true},
}

func TestPackagesKeepToTheirWalls(t *testing.T) {
	t.Parallel()
	graph := imports(t, filepath.Join("..", ".."))
	if len(graph) < 5 {
		t.Fatalf("only %d packages were found", len(graph))
	}
	for _, w := range walls {
		for _, p := range slices.Sorted(maps.Keys(graph)) {
			own := module + "/" + w.dir
			if p != own && !strings.HasPrefix(p, own+"/") {
				continue
			}
			for _, chain := range breaches(graph, p, w) {
				t.Errorf("%s must not import %s: %s", w.dir, chain[len(chain)-1], strings.Join(chain, " -> "))
			}
		}
	}
}

// There is one way to hash with BLAKE3.
func TestOnePackageHashes(t *testing.T) {
	t.Parallel()
	for p, imported := range imports(t, filepath.Join("..", "..")) {
		for _, i := range imported {
			if strings.Contains(i, "blake3") && i != module+"/internal/blake3sum" && p != module+"/internal/blake3sum" {
				t.Errorf("%s imports %s: internal/blake3sum is what hashes", p, i)
			}
		}
	}
}

// A wall that lets everything through would pass the test above.
func TestBreachesAreFound(t *testing.T) {
	t.Parallel()
	graph := map[string][]string{
		module + "/a":   {"fmt", module + "/b"},
		module + "/b":   {"errors", module + "/c", "net/http"},
		module + "/c":   {libp2p + "/go-libp2p/core/peer"},
		module + "/net": {"fmt"},
	}
	for _, c := range []struct {
		from string
		w    wall
		want int
	}{
		{"/a", wall{deny: []string{libp2p}, through: true}, 1},
		{"/a", wall{deny: []string{libp2p}}, 0},
		{"/c", wall{deny: []string{libp2p}}, 1},
		{"/a", wall{deny: []string{"net"}, through: true}, 1},
		{"/a", wall{deny: []string{module + "/b"}}, 1},
		{"/b", wall{deny: []string{"err"}}, 0},
		{"/a", wall{deny: []string{libp2p, "net", "fmt"}, through: true}, 3},
	} {
		if got := breaches(graph, module+c.from, c.w); len(got) != c.want {
			t.Errorf("%s, %v: %v, want %d", c.from, c.w, got, c.want)
		}
	}
}

// breaches returns, for each forbidden import of p, the chain of imports that leads to it.
func breaches(graph map[string][]string, p string, w wall) [][]string {
	var out [][]string
	seen := map[string]bool{p: true}
	queue := [][]string{{p}}
	for len(queue) > 0 {
		chain := queue[0]
		queue = queue[1:]
		for _, i := range graph[chain[len(chain)-1]] {
			if seen[i] {
				continue
			}
			seen[i] = true
			next := append(slices.Clone(chain), i)
			denied := slices.ContainsFunc(w.deny, func(d string) bool { return i == d || strings.HasPrefix(i, d+"/") })
			switch {
			case denied:
				out = append(out, next)
			case w.through:
				queue = append(queue, next)
			}
		}
	}
	return out
}

// imports returns what each package of the module imports in files that aren't tests, on any
// system.
func imports(t *testing.T, root string) map[string][]string {
	t.Helper()
	graph := make(map[string][]string)
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, other := os.Stat(filepath.Join(name, "go.mod"))
			if name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || other == nil) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		pkg := path.Join(module, filepath.ToSlash(rel))
		// a package without imports is one too
		graph[pkg] = append(graph[pkg], "")[:len(graph[pkg])]
		for _, s := range f.Imports {
			i, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(graph[pkg], i) {
				graph[pkg] = append(graph[pkg], i)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return graph
}
