package vault

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

var mutate = flag.Bool("vault.mutants", false, "TestMutants builds each mutant and runs the tests")

// mutants are mistakes that leave files readable by those who have the keys. Each has to be found
// by the other tests of this package, without the vectors, which alone would find most of them.
var mutants = []struct{ name, file, text, with string }{
	{"equal blocks of a file look equal", "file.go", "f.salts.mac(f.token[:], binary.BigEndian.AppendUint32(nil, index), chain[:])", "f.salts.mac(f.token[:], chain[:])"},
	{"equal files look equal", "file.go", "e.Key.derive(contextFiles).mac(f.token[:])", "e.Key.derive(contextFiles)"},
	{"a salt is that of any file", "file.go", "f.salts.mac(f.token[:], binary", "f.salts.mac(binary"},
	{"a salt doesn't depend on the bytes", "file.go", "AppendUint32(nil, index), chain[:])", "AppendUint32(nil, index))"},
	{"the key of a block doesn't depend on the salt", "file.go", "AppendUint32(nil, index), salt[:])", "AppendUint32(nil, index))"},
	{"the key of a block doesn't depend on its place", "file.go", "f.blocks.mac(binary.BigEndian.AppendUint32(nil, index), salt[:])", "f.blocks.mac(salt[:])"},
	{"a new epoch uses the old key", "key.go", "return v.epochs[len(v.epochs)-1]", "return v.epochs[0]"},
	{"a stream begins at the block of the cipher", "file.go", "skip > 0 {", "skip > 99 {"},
	{"descriptions don't belong to a record", "description.go", "box, slices.Concat(header, sum))", "box, header)"},
	{"descriptions don't belong to a version", "description.go", "f.heads.mac(binary.BigEndian.AppendUint64(nil, clock), writer)", "f.heads.mac()"},
	{"the name in a description is believed", "description.go", "if v.StoredName(d.GetName()) != stored {", "if false {"},
	{"the size in a description is not compared", "description.go", "if o.GetSize() != record.GetSize() {", "if false {"},
	{"a name may leave its folder", "description.go", "err := signed.ValidName(d.GetName()); err != nil", "false"},
	{"files of another vault are read", "names.go", "strings.CutPrefix(stored, v.Prefix())", "strings.CutPrefix(stored[min(len(stored), 13):], \"\")"},
	{"one file has two names", "names.go", "|| base32Lower.EncodeToString(raw) != text", ""},
	{"folders look the same in all vaults", "key.go", "folders: nameKey.derive(contextFolders)", "folders: Key{}.derive(contextFolders)"},
	{"hidden folders show", "names.go", "if v.hideFolders {", "if false {"},
	{"an epoch has no end", "file.go", "e.UntilMS > 0 && clock>>16 > e.UntilMS", "e.UntilMS > 0 && clock == 0"},
	{"the later end counts", "key.go", "return min(a, b)", "return max(a, b)"},
	{"descriptions have the length of the name", "description.go", "(signed.SealedStep-over)%signed.SealedStep", "(signed.SealedStep-over)%signed.SealedStep&0"},
	{"sealed keys are for any network", "sealing.go", "slices.Concat([]byte(contextSeal), network, peer)", "slices.Concat([]byte(contextSeal), peer)"},
	{"sealed keys are for any peer", "sealing.go", "slices.Concat([]byte(contextSeal), network, peer)", "slices.Concat([]byte(contextSeal), network)"},
	{"keys of another vault are taken", "sealing.go", "if other.nameKey != v.nameKey {", "if false {"},
	{"keys are printed", "key.go", "_, _ = f.Write([]byte(\"secret\")) }\n\n// MarshalText keeps a key", "_, _ = fmt.Fprintf(f, \"%x\", k[:]) }\n\n// MarshalText keeps a key"},
}

// TestMutants: the tests find what goes wrong when a rule is broken. Each mutant is built with an
// overlay. Without -vault.mutants it looks only whether the mutants are up to date.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			path, err := filepath.Abs(m.file)
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
			if *mutate {
				runMutant(t, path, strings.Replace(source, m.text, m.with, 1))
			}
		})
	}
}

func runMutant(t *testing.T, path, source string) {
	t.Helper()
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(changed, []byte(source), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-short", "-timeout", "1m", "-overlay", overlay, "-skip", "TestMutants|TestVectors", ".").CombinedOutput()
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
}
