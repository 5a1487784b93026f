package sim

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutate = flag.Bool("sim.mutants", false, "TestMutants builds each mutant and runs its seeds")

// mutant is a mistake in the product, and where it shows.
type mutant struct {
	name      string
	file      string // below internal/replication, unless it has a slash
	text, new string
	profile   string // or the test of a scene
	seeds     int    // of which one shows it
}

var mutants = []mutant{
	{"the witness doesn't look at the grant again", "witness.go",
		"\t\tn.WakeFetch()\n\t}\n\tif err := n.mayWitness(from, rec.Key(), st.GetGrant()); err != nil {", "\t\tn.WakeFetch()\n\t}\n\tif err != nil {", "TestArcChangesWhileAWitnessWrites", 0},
	{"the witness doesn't look at the grant at all", "witness.go", "\tif id == nil {\n", "\tif true {\n", "crowd", 60},
	{"a put is acknowledged before its witness has it", "owner.go", "\t\tr := n.sendAll(ctx, rec, b, s, copies, waitAll)\n",
		"\t\tif n.stillServing(s, key) {\n\t\t\treturn n.stored([]ring.Position{n.self}, 1, copies), nil\n\t\t}\n\t\tr := n.sendAll(ctx, rec, b, s, copies, waitAll)\n", "accidents", 60},
	{"a get is answered without a vote", "reader.go", "if s.Grants.Alone() || w.confirms(s, ks) {", "if true {", "pauses", 60},
	{"a copy is dropped at the first word", "strays.go", "\t\tif st.released.IsZero() {", "\t\tif false {", "growing", 60},
	{"an owner doesn't ask the holders before it lets a copy go", "strays.go", "r.Have[i] = h == n.self ||", "r.Have[i] = true ||", "growing", 60},
	{"a sync pulls nothing", "reconcile.go", "if err := n.pull(ctx, with, d.theirs); err != nil {", "if err := error(nil); err != nil {", "growing", 30},
	{"an arc is served without a sync", "reconcile.go", "\tif ok {\n\t\t_, err = n.reconcile(ctx, r.With, span, nil)\n\t}", "\t_, _ = span, ok", "growing", 30},
	{"repair pushes nothing", "reconcile.go", "return !wanted(e) && !d.stale[e.Place]", "return true", "crashes", 30},
	{"bytes are never fetched", "fetch.go", "if n.store.Err() != nil {", "if true {", "disks", 30},
	{"a tombstone is collected early", "tombstones.go", "n.grace().Expired(v, sure) && n.grace().Collectable([]replica.Reference{{Deleted: true}}, since, sure)", "true", "deletes", 30},
	{"quarantine is ignored", "quarantine.go", "\tif since >= now-int64(n.grace()) {", "\tif since >= now-int64(n.grace()) || true {", "deletes", 60},
	{"what is in quarantine is never believed", "quarantine.go", "if !ok || !c.Believe ||", "if true ||", "nights", 60},
	{"a block is given up that another version uses", "orphans.go", "replica.Orphan(c.block, references(versions, c.Entry), n.time().Early)", "(c.block.Clock == 0 || replica.Orphan(c.block, references(versions, c.Entry), n.time().Early))", "refusals", 60},
	{"orphans stay", "orphans.go", "n.CollectOrphans(ctx, blocks)", "_ = blocks", "blocks", 30},
	{"blocks that nobody has are committed", "commit.go", "\t\terr := n.countBlocks(ctx, rec, blocks)\n", "\t\terr := error(nil)\n", "refusals", 60},
	{"a put may replace what it doesn't name", "records.go", "|| verdict == replica.Stale {\n\t\t\treturn es, err", "{\n\t\t\treturn es, err", "fair", 30},
	{"a leaver hands nothing over", "handover.go", "if failed, err = n.handAll(ctx, s, report, all); err != nil {", "if err != nil {", "leaving", 30},
	{"more copies than usual are forgotten", "records.go", "\tn.health.asked(copies)\n", "\tcopies = 0\n", "disks", 60},
	{"nobody looks beyond the holders", "repair.go", "\tif all && some {\n", "\tif false {\n", "storm", 60},
	{"lookups go on without time", "internal/chord/find.go", "if left < time.Millisecond {", "if false {", "pauses", 30},
	{"a departure is not told", "internal/chord/depart.go", "for _, p := range RingNeighbors(v) {", "for _, p := range RingNeighbors(v)[:0] {", "leaving", 30},
}

// accidents lose disks at any time, not in calm moments only: somebody's newest copies go with
// them. It may lose more than P1 covers, so it is for mutants only.
var accidents = Profile{
	Name: "accidents", Nodes: [2]int{6, 8}, Files: [2]int{3, 6}, Strict: true, Kinds: []kind{destroy, join}, Every: 10, Length: 60,
}

func (m mutant) path() string {
	if strings.Contains(m.file, "/") {
		return filepath.Join("..", filepath.FromSlash(m.file))
	}
	return filepath.Join("..", "internal", "replication", m.file)
}

// source is the file as the mutant has it.
func (m mutant) source() (string, error) {
	raw, err := os.ReadFile(m.path())
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(raw), m.text); n != 1 {
		return "", fmt.Errorf("%s has %q %d times: bring the mutant %q up to date", m.path(), m.text, n, m.name)
	}
	return strings.Replace(string(raw), m.text, m.new, 1), nil
}

// TestMutants: the checks find what goes wrong when the product makes a mistake. Each mutant is
// built with an overlay. With -sim.mutants=false it looks only whether the mutants are up to date.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			source, err := m.source()
			if err != nil {
				t.Fatal(err)
			}
			if *mutate {
				m.hunt(t, source)
			}
		})
	}
}

// hunt builds the mutant and runs its seeds.
func (m mutant) hunt(t *testing.T, source string) {
	t.Helper()
	dir := t.TempDir()
	changed, overlay, program := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
	path, err := filepath.Abs(m.path())
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(changed, []byte(source), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.HasPrefix(m.profile, "Test") { // a scene, which passes without the mistake
		out, err := exec.CommandContext(t.Context(), program, "-test.run=^"+m.profile+"$").CombinedOutput()
		if err == nil {
			t.Errorf("%s doesn't show it", m.profile)
		}
		t.Logf("%.300s", out)
		return
	}
	f := ProfileNamed(m.profile)
	if m.profile == accidents.Name {
		f = &accidents
	}
	for from := 0; from < m.seeds; {
		out, seed := run(t.Context(), program, f.Name, from, m.seeds-from)
		if seed < 0 {
			break
		}
		if r := Run(f, uint64(seed)); r.Err == nil { //nolint:gosec // not negative
			t.Logf("%.300s", out)
			return
		}
		from = seed + 1
	}
	t.Errorf("none of %d seeds of %s shows it", m.seeds, f.Name)
}

// run runs seeds in another process and returns the first that fails there; below 0, none does.
func run(ctx context.Context, program, profile string, from, seeds int) (out string, seed int) {
	cmd := exec.CommandContext(ctx, program, "-test.run=TestSoak$", "-test.v", "-sim.first", "-sim.profile="+profile,
		fmt.Sprint("-sim.from=", from), fmt.Sprint("-sim.soak=", seeds))
	raw, err := cmd.CombinedOutput()
	_, after, found := strings.Cut(string(raw), profile+"/")
	if err == nil || !found {
		return string(raw), -1
	}
	if _, err := fmt.Sscanf(after, "%d:", &seed); err != nil {
		return string(raw), -1
	}
	return after, seed
}
