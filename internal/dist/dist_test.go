package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

var released = time.Unix(1_700_000_000, 0).UTC()

func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "p_v1")
	for name, mode := range map[string]os.FileMode{"program": 0o700, "docs/b.md": 0o600, "README.md": 0o666} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheSameFilesMakeTheSameArchive(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{".tar.gz", ".zip"} {
		var made [2][]byte
		for i := range made {
			dir := folder(t)
			if err := os.Chtimes(filepath.Join(dir, "program"), released, released.Add(time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out"+kind)
			if err := writeArchive(dir, out, released); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			made[i] = b
		}
		if !bytes.Equal(made[0], made[1]) {
			t.Errorf("%s: two archives of equal files differ", kind)
		}
		want := []string{"p_v1/README.md -rw-r--r-- README.md", "p_v1/docs/b.md -rw-r--r-- docs/b.md", "p_v1/program -rwxr-xr-x program"}
		if got := unpack(t, kind, made[0]); !slices.Equal(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

// unpack lists an archive: name, mode and bytes of each file.
func unpack(t *testing.T, kind string, b []byte) (out []string) {
	t.Helper()
	if kind == ".zip" {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(r)
			out = append(out, fmt.Sprint(f.Name, " ", f.Mode(), " ", string(text)))
		}
		return out
	}
	g, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(g); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(released) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: %v, user %d %q", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		text, _ := io.ReadAll(r)
		out = append(out, fmt.Sprint(h.Name, " ", h.FileInfo().Mode(), " ", string(text)))
	}
}

func TestWhatIsNoArchiveIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := os.Symlink("program", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct{ dir, out string }{
		{dir, "x.tar.gz"}, {t.TempDir(), "x.tar.gz"}, {folder(t), "x.rar"}, {filepath.Join(dir, "none"), "x.zip"},
	} {
		if err := writeArchive(c.dir, filepath.Join(t.TempDir(), c.out), released); err == nil {
			t.Errorf("%s of %s is made", c.out, c.dir)
		}
	}
}

func TestSums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"b", "a", sumsName} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, sumsName))
	want := fmt.Sprintf("%x  a\n%x  b\n", sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b")))
	if err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheBillListsWhatIsInAProgram(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "x.cdx.json")
	if err := writeSBOM(self, "v1", out, released); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var b bom
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" || b.Spec != "1.6" || b.Components[0].Name != "std" || b.Metadata.Timestamp != "2023-11-14T22:13:20Z" {
		t.Errorf("%s", text)
	}
	if err := writeSBOM(filepath.Join("..", "..", "go.mod"), "v1", out, released); err == nil {
		t.Error("a bill of what is no Go program")
	}
}

func TestBillOf(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{
		GoVersion: "go1.26.1",
		Main:      debug.Module{Path: "example.org/x", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.org/a/v2", Version: "v2.1.0+incompatible", Sum: "h1:aaa="},
			{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new", Version: "v1.0.1"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "plan9"}},
	}
	b := billOf(info, "x.exe", "v1.2.3", bytes.Repeat([]byte{0xff}, 32), released)
	if m := b.Metadata.Component; m.Version != "v1.2.3" || m.PURL != "pkg:golang/example.org/x@v1.2.3" || m.Hashes[0].Content != strings.Repeat("ff", 32) || m.Properties[0].Value != "plan9" {
		t.Errorf("%+v", m)
	}
	var refs []string
	for _, c := range b.Components {
		refs = append(refs, c.Ref)
	}
	want := []string{"pkg:golang/std@1.26.1", "pkg:golang/example.org/a/v2@v2.1.0+incompatible", "pkg:golang/example.org/new@v1.0.1"}
	if !slices.Equal(refs, want) || !slices.Equal(b.Dependencies[0].DependsOn, want) {
		t.Errorf("%q, %q", refs, b.Dependencies)
	}
	if b.Serial != "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff" {
		t.Error(b.Serial)
	}
}

func TestEpoch(t *testing.T) {
	t.Parallel()
	if at, err := epoch("1700000000"); err != nil || !at.Equal(released) {
		t.Error(at, err)
	}
	for _, s := range []string{"", "yesterday"} {
		if _, err := epoch(s); err == nil {
			t.Errorf("%q is a time", s)
		}
	}
}
