package network

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var mutate = flag.Bool("network.mutants", false, "TestMutants builds each mutant and runs the tests")

// mutants are mistakes in the rules. Each has to be found by the other tests of this package.
var mutants = []struct{ name, file, text, with string }{
	{"a fork is decided by what came first", "history.go", "if len(all) > 1 {", "if len(all) > 9 {"},
	{"a link that is broken doesn't end a history", "history.go", "if len(all) == 0 || all[0].Previous() != previous {", "if len(all) == 0 || previous == forkMark {"},
	{"a cut keeps all before it, on any branch", "history.go", "if st == nil || st.Issuer() != c.Issuer || st.Seq() != seq {", "if true {"},
	{"cuts of admins choose branches", "derive.go", "path := o.f.set.counted(k, o.f.choosing[k], o.limiting[k])\n\tif o", "path := o.f.set.counted(k, append(o.f.choosing[k], o.limiting[k]...), nil)\n\tif o"},
	{"revocations apply whatever becomes of their issuer", "derive.go", "if len(next) <= len(applied) {", "if true {"},
	{"revocations that exclude each other don't apply", "derive.go", "return certain, possible", "return f.derive(certain.revocations()), certain.revocations()"},
	{"a revoked admin goes on issuing", "derive.go", "if _, named := r.Cut(g.StatementKey); !named {", "if _, named := r.Cut(g.StatementKey); named && !named {"},
	{"an invitation gives any role", "statement/content.go", "case !i.Roles.Has(g.Roles), len(g.Consent) == 0:", "case len(g.Consent) == 0:"},
	{"an invitation needs no consent", "statement/content.go", "case !i.Roles.Has(g.Roles), len(g.Consent) == 0:", "case !i.Roles.Has(g.Roles):"},
	{"an invitation leaves the choice of a place", "statement/content.go", "case g.Roles.Has(Store) && g.Place != i.Place:", "case false:"},
	{"one recovery key is enough", "roots.go", "return count >= g.Quorum", "return count >= 1"},
	{"the first order counts, not the latest", "roots.go", "case g > f.generation:", "case g > f.generation && len(latest) == 0:"},
	{"one of two orders counts", "roots.go", "if len(latest) == 1 {", "if len(latest) > 0 {"},
	{"a former root stays whole", "roots.go", "if _, named := order.Cut(k); !named && k != f.current {", "if false {"},
	{"grants of invitations replace those of admins", "members.go", "case g.byAdmin != other.byAdmin && g.byAdmin:", "case g.byAdmin != other.byAdmin && !g.byAdmin:"},
	{"among equal grants one gives the roles", "members.go", "m.Roles &= g.Roles", "m.Roles |= g.Roles"},
	{"a revocation beats earlier grants only", "members.go", "if st.Revoked[p] == nil {", "if st.Revoked[p] == nil || all[0].Serial > 0 {"},
	{"named branches are surplus", "set.go", "s.approved(st) || s.coverage().pinned[st.ID()] {", "s.approved(st) {"},
	{"strangers fill the set", "waiting.go", "if size > maxWaitingBytes || len(s.waiting)-i > maxWaiting {", "if false {"},
	{"records of a revoked writer go on to count", "members.go", "until = min(until, revoked)", "_ = revoked"},
	{"records of before a revocation don't count", "members.go", "until = min(until, revoked)", "until = min(until, revoked, 0)"},
	{"the latest revocation says which records count", "state.go", "!again || r.timeMS < first", "!again || r.timeMS > first"},
	{"records of who may no longer write go on to count", "writers.go", "until = min(until, g.timeMS)", ""},
	{"records that a member signs after its end count", "writers.go", "until = min(until, g.NotAfterMS)", ""},
	{"records of who never might write count", "writers.go", "return ever && (", "return !ever || ("},
	{"guests write", "writers.go", "return Allow(g.Roles, WriteFiles) && len(g.NarrowedTo) == 0", "return Allow(g.Roles, WriteFiles)"},
	{"expired members stay", "allow.go", "if m.NotAfterMS > 0 && nowMS > m.NotAfterMS {", "if false {"},
}

// TestMutants: the tests find what goes wrong when a rule is broken. Each mutant is built with an
// overlay. Without -network.mutants it looks only whether the mutants are up to date.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			path, err := filepath.Abs(filepath.FromSlash(m.file))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			source := strings.ReplaceAll(string(raw), "\r\n", "\n")
			if n := strings.Count(source, m.text); n != 1 {
				t.Fatalf("%s has %q %d times: bring the mutant up to date", m.file, m.text, n)
			}
			if !*mutate {
				return
			}
			dir := t.TempDir()
			changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
			replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
			if err != nil {
				t.Fatal(err)
			}
			source = strings.Replace(source, m.text, m.with, 1)
			if err := errors.Join(os.WriteFile(changed, []byte(source), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-short", "-timeout", "1m", "-overlay", overlay, "-skip", "TestMutants", ".").CombinedOutput()
			switch {
			case err == nil:
				t.Error("no test finds it")
			case !strings.Contains(string(out), "--- FAIL") && !strings.Contains(string(out), "timed out"):
				t.Errorf("it doesn't compile: %.2000s", out)
			}
			for line := range strings.SplitSeq(string(out), "\n") {
				if strings.Contains(line, "--- FAIL") {
					t.Log(line)
				}
			}
		})
	}
}
