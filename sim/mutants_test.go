package sim

import (
	"context"
	"encoding/json"
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
	also      edit   // another place that has to change with it
}

// edit is a change of a file below internal/replication.
type edit struct{ file, text, new string }

var mutants = []mutant{
	{
		"the witness doesn't look at the grant again", "witness.go",
		"\t\tn.WakeFetch()\n\t}\n\tif err := n.mayWitness(from, rec.Key(), st.GetGrant()); err != nil {", "\t\tn.WakeFetch()\n\t}\n\tif err != nil {", "TestArcChangesWhileAWitnessWrites", 0,
		edit{},
	},
	{"the witness doesn't look at the grant at all", "witness.go", "\tif id == nil {\n", "\tif true {\n", "crowd", 60, edit{}},
	{
		"a put is acknowledged before its witness has it", "owner.go", "\t\tr := n.sendAll(ctx, rec, b, s, copies, waitAll)\n",
		"\t\tif n.arc.StillServing(s, key) {\n\t\t\treturn n.stored([]ring.Position{n.self}, 1, copies), nil\n\t\t}\n\t\tr := n.sendAll(ctx, rec, b, s, copies, waitAll)\n", "accidents", 60,
		edit{},
	},
	{"a get is answered without a vote", "reader.go", "if s.Grants.Alone() || w.confirms(s, ks) {", "if true {", "pauses", 60, edit{}},
	{"a copy is dropped at the first word", "strays.go", "\t\tif st.released.IsZero() {", "\t\tif false {", "growing", 60, edit{}},
	{
		"neither owner nor holder asks the others before a copy goes", "strays.go", "r.Have[i] = h == n.self ||", "r.Have[i] = true ||", "growing", 60,
		edit{
			"surrender.go", "func (n *Node) maySurrender(ctx context.Context, e store.Entry) bool {\n",
			"func (n *Node) maySurrender(ctx context.Context, e store.Entry) bool {\n\tif true {\n\t\treturn true\n\t}\n",
		},
	},
	{"a sync pulls nothing", "reconcile.go", "if err := n.pull(ctx, with, d.theirs); err != nil {", "if err := error(nil); err != nil {", "growing", 30, edit{}},
	{"an arc is served without a sync", "reconcile.go", "\tif ok {\n\t\t_, err = n.reconcile(ctx, r.With, span, nil)\n\t}", "\t_, _ = span, ok", "growing", 30, edit{}},
	{"repair pushes nothing", "reconcile.go", "return !wanted(e) && !d.stale[e.Place]", "return true", "crashes", 30, edit{}},
	{"bytes are never fetched", "internal/replication/fetch/fetch.go", "if f.cfg.Store.Err() != nil {", "if true {", "disks", 30, edit{}},
	{"a tombstone is collected early", "internal/replication/tombstones/collect.go", "c.grace().Expired(v, sure) && c.grace().Collectable([]replica.Reference{{Deleted: true}}, max(since, unbroken), sure)", "v.Clock > 0 && sure > 0", "deletes", 30, edit{}},
	{"a tombstone that comes back is collected at once", "internal/replication/tombstones/collect.go", "\t\t\t\tc.startOver(tombstoneID(e))\n", "", "nights", 120, edit{}},
	{"quarantine is ignored", "internal/replication/quarantine/quarantine.go", "\tif since >= now-int64(q.grace()) {", "\tif since >= now-int64(q.grace()) || true {", "TestADeleteIsCollectedWhileAHolderIsAway", 0, edit{}},
	{"what was too old when the ring stopped is believed", "internal/replication/quarantine/believe.go", "err == nil && !q.grace().Quarantined(v, confirmed, stopped)", "err == nil && v.Clock > 0", "nights", 120, edit{}},
	{"what is in quarantine is never believed", "internal/replication/quarantine/believe.go", "if !ok || !c.Believe {", "if !ok || true {", "nights", 60, edit{}},
	{
		"a block is given up that another version uses", "internal/replication/orphans/collect.go", "replica.Orphan(b.block, references(versions, b.Entry), c.cfg.Clocks.Time().Early)",
		"(b.block.Clock == 0 || replica.Orphan(b.block, references(versions, b.Entry), c.cfg.Clocks.Time().Early))", "TestABlockIsGivenUpThatAnotherVersionUses", 0,
		edit{},
	},
	{"orphans stay", "internal/replication/orphans/collect.go", "\t\tc.Collect(ctx, blocks)\n", "\t\t_ = blocks\n", "blocks", 30, edit{}},
	{"blocks that nobody has are committed", "internal/replication/commit/commit.go", "\t\terr := c.countBlocks(ctx, rec, blocks)\n", "\t\terr, _ := error(nil), blocks\n", "TestABlockIsGivenUpBeforeTheCommit", 0, edit{}},
	{"more copies than usual are forgotten", "records.go", "\tn.health.asked(copies)\n", "\tcopies = 0\n", "disks", 60, edit{}},
	{"who is revoked stays in the ring", "internal/chord/review.go", "\t\tif p.IsNode() && p", "\t\tif false && p", "revoked", 30, edit{}},
	{"who is revoked is learned again", "protocol/signed/ring.go", "return ok && PositionOf(peer.ID(at.ID), address) == at", "_, _ = address, ok\n\treturn true", "revoked", 30, edit{}},
	{"records written after a revocation stay", "internal/replication/quarantine/writers.go", "\t\tcase !counts:\n", "\t\tcase !counts && now < 0:\n", "late", 60, edit{}},
	{"records written before a revocation are set aside", "network/writers.go", "clockMS <= until+clockToleranceMS)", "clockMS > until+clockToleranceMS)", "revoked", 30, edit{}},
	{"records of others than members are refused", "network/writers.go", "return ever && (", "_ = ever\n\treturn st.Revoked[writer] == nil && (", "revoked", 30, edit{}},
	{
		"an owner that has nothing is believed", "internal/transfer/quorum/reader.go", "\tcase hasNothing(err):\n\t\treturn r.settle(ctx, owner, get, nothing(owner, err))\n",
		"\tcase hasNothing(err):\n\t\treturn nil, err\n", "liar", 30,
		edit{},
	},
	{"an owner's old version is believed", "replica/vote.go", "return v.Settles(id, stamp) && stamp == v.Stamp", "return v.Settles(id, stamp)", "liar", 30, edit{}},
	{"nobody else is asked", "replica/read.go", "if s.Answered && s.Version.Compare(greatest.Version) > 0 {", "if false {", "liar", 30, edit{}},
	{"a copy is dropped because its owner says so", "strays.go", " || !n.maySurrender(ctx, st.entry) {", " {", "liar", 60, edit{}},
	{"lookups go on without time", "internal/chord/find.go", "if left < time.Millisecond {", "if false {", "pauses", 30, edit{}},
}

// accidents lose disks at any time, not in calm moments only: somebody's newest copies go with
// them. It may lose more than P1 covers, so it is for mutants only.
var accidents = Profile{
	Name: "accidents", Nodes: [2]int{6, 8}, Files: [2]int{3, 6}, Strict: true, Kinds: []kind{destroy, join}, Every: 10, Length: 60,
}

func (e edit) path() string {
	if strings.Contains(e.file, "/") {
		return filepath.Join("..", filepath.FromSlash(e.file))
	}
	return filepath.Join("..", "internal", "replication", e.file)
}

// apply is the file as the edit leaves it.
func (e edit) apply() (string, error) {
	raw, err := os.ReadFile(e.path())
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(raw), e.text); n != 1 {
		return "", fmt.Errorf("%s has %q %d times: bring the mutant up to date", e.path(), e.text, n)
	}
	return strings.Replace(string(raw), e.text, e.new, 1), nil
}

// write writes the files of the mutant to a folder, and returns what replaces what.
func (m mutant) write(dir string) (map[string]string, error) {
	edits := []edit{{m.file, m.text, m.new}}
	if m.also.file != "" {
		edits = append(edits, m.also)
	}
	replace := map[string]string{}
	for i, e := range edits {
		source, err := e.apply()
		if err != nil {
			return nil, err
		}
		path, err := filepath.Abs(e.path())
		if err != nil {
			return nil, err
		}
		replace[path] = filepath.Join(dir, fmt.Sprint(i, ".go"))
		if err := os.WriteFile(replace[path], []byte(source), 0o600); err != nil {
			return nil, err
		}
	}
	return replace, nil
}

// TestMutants: the checks find what goes wrong when the product makes a mistake. Each mutant is
// built with an overlay. With -sim.mutants=false it looks only whether the mutants are up to date.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			dir := t.TempDir()
			replace, err := m.write(dir)
			if err != nil {
				t.Fatal(err)
			}
			if *mutate {
				m.hunt(t, dir, replace)
			}
		})
	}
}

// hunt builds the mutant and runs its seeds.
func (m mutant) hunt(t *testing.T, dir string, replace map[string]string) {
	t.Helper()
	overlay, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(overlay, raw, 0o600)
	}
	if err != nil {
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
