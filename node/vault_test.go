package node_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/node"
)

// private is a ring of four nodes, of which two have the keys of a vault.
type private struct {
	*cluster
	vault *vault.Vault
	dirs  []string
}

func newPrivate(t *testing.T) *private {
	t.Helper()
	p := &private{newCluster(t, 0), vault.Create(), nil}
	for i := range 4 {
		dir := t.TempDir()
		cfg := node.Config{Data: dir}
		if i < 2 {
			cfg = cfg.WithVault(p.vault)
		}
		p.start(cfg)
		p.dirs = append(p.dirs, dir)
	}
	p.settled()
	return p
}

func (p *private) client() *node.Client {
	return p.passing(node.ClientConfig{}.WithVault(p.vault))
}

func hashText(data []byte) string {
	sum := blake3sum.Sum(data)
	return hex.EncodeToString(sum[:])
}

// Members and clients that have the keys see files as they were put, by all operations. The others
// see neither contents nor names.
func TestEncryptedFiles(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	const name = "plans/2026/moon-landing.txt"
	// three blocks
	data := bytes.Repeat([]byte("Nobody but the members may know that the moon is made of cheese.\n"), 150_000)
	modified := time.Date(2026, 5, 6, 7, 8, 9, 123_456_789, time.UTC)
	res, err := p.nodes[0].Put(t.Context(), name, bytes.NewReader(data), node.PutOptions{Size: int64(len(data)), Modified: modified, Mode: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	if res.Name != name || res.Hash != hashText(data) || res.StoredHash == "" || res.StoredHash == res.Hash {
		t.Errorf("%+v", res)
	}
	client := p.client()
	for i, who := range []getter{p.nodes[0], p.nodes[1], client} {
		if got := p.get(who, name); !bytes.Equal(got, data) {
			t.Errorf("reader %d: %d bytes, not those that were put", i, len(got))
		}
	}
	st, err := client.Stat(t.Context(), name)
	if err != nil || st.Name != name || st.Hash != res.Hash || st.StoredHash != res.StoredHash || st.Size != int64(len(data)) ||
		!st.Modified.Equal(modified) || st.Mode != 0o640 || st.Key != res.Key || len(st.Blocks) != 3 || len(st.Missing) > 0 || st.Version != res.Version {
		t.Errorf("%+v, %v", st, err)
	}
	trace, err := client.Trace(t.Context(), name)
	if err != nil || trace.File == nil || trace.File.Hash != res.Hash || trace.Name != name || trace.Key != res.Key || trace.Owner.PeerID != res.Owner {
		t.Errorf("%+v, %v", trace, err)
	}
	if l, err := client.Lookup(t.Context(), name); err != nil || l.Key != res.Key || l.Name != name {
		t.Errorf("%+v, %v", l, err)
	}
	checkRanges(t, client, name, data)
	p.checkHidden(data[:64], []byte("moon-landing"), []byte("plans"), []byte("cheese"))
	p.checkHeld(name, res.Hash)

	stranger := p.passing(node.ClientConfig{})
	if _, err := stranger.Stat(t.Context(), name); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a stranger asks for the name: %v", err)
	}
	for f, err := range stranger.List(t.Context(), "") {
		if err != nil || f.Size != int64(len(data)) || f.Hash != res.StoredHash || !f.Modified.Equal(time.UnixMilli(0)) || f.Mode != 0 {
			t.Errorf("a stranger sees %+v, %v", f, err)
		}
		if got := p.get(stranger, f.Name); hashText(got) != res.StoredHash {
			t.Error("what is stored doesn't have its hash")
		}
	}
	if _, err := p.passing(node.ClientConfig{}.WithVault(vault.Create())).Get(t.Context(), name, node.GetOptions{}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("with the keys of another vault: %v", err)
	}
	if err := p.nodes[1].Remove(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Stat(t.Context(), name); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("after the delete: %v", err)
	}
}

// checkHeld looks at the lists that nodes give of what they hold.
func (p *private) checkHeld(name, hash string) {
	p.t.Helper()
	for i, n := range p.nodes {
		st, err := n.Status(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		for _, f := range slices.Concat(st.Files, st.BackupFiles) {
			if known := f.Name == name && f.Hash == hash; known != (i < 2) {
				p.t.Errorf("node %d shows %+v", i, f)
			}
		}
	}
}

// checkRanges reads parts of a file that begin and end in and between blocks.
func checkRanges(t *testing.T, client *node.Client, name string, data []byte) {
	t.Helper()
	const block = node.DefaultBlockSize
	for _, r := range [][2]int64{{0, 1}, {1, 15}, {16, 16}, {100, 1000}, {block - 1, 2}, {block, 1}, {block + 7, block}, {-5, 0}, {2*block + 3, 0}, {0, int64(len(data))}} {
		f, err := client.Get(t.Context(), name, node.GetOptions{Offset: r[0], Length: r[1]})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		_ = f.Close()
		begin, end, werr := node.GetOptions{Offset: r[0], Length: r[1]}.Within(int64(len(data)))
		if err != nil || werr != nil || !bytes.Equal(got, data[begin:end]) {
			t.Errorf("%d bytes from %d: %d bytes, %v", r[1], r[0], len(got), err)
		}
	}
}

// checkHidden looks for texts in all files of the data folders, and in the stores.
func (p *private) checkHidden(texts ...[]byte) {
	p.t.Helper()
	files := 0
	for i, dir := range p.dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // gone in the meantime, or a socket
			}
			raw, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			files++
			for _, text := range texts {
				if bytes.Contains(raw, text) || bytes.Contains([]byte(path), text) {
					p.t.Errorf("node %d has %q in %s", i, text, path)
				}
			}
			return err
		})
		if err != nil {
			p.t.Error(err)
		}
		for _, text := range texts {
			if p.nodes[i].Holds(text) {
				p.t.Errorf("node %d has %q in its store", i, text)
			}
		}
	}
	if files < 4 {
		p.t.Errorf("only %d files were looked at", files)
	}
}

// A file that is not encrypted is found by that search, so it is one.
func TestSearchFindsClearFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newCluster(t, 0)
	n := c.start(node.Config{Data: dir})
	c.put(n, "moon-landing.txt", []byte("cheese, and what else there is"))
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			raw, _ := os.ReadFile(path)
			found = found || bytes.Contains(raw, []byte("cheese, and what"))
		}
		return nil
	})
	if err != nil || !found || !n.Holds([]byte("moon-landing")) {
		t.Errorf("contents found: %v, name found: %v, %v", found, n.Holds([]byte("moon-landing")), err)
	}
}

func TestEncryptedLists(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	names := []string{"a.txt", "docs/a.txt", "docs/b.txt", "docs/old/c.txt", "docs2/d.txt", "photos/e.jpg"}
	for i, name := range names {
		who := p.nodes[i%2]
		if name == "docs2/d.txt" { // a member that hides folders
			who = p.start(node.Config{}.WithVault(p.vault.HidingFolders()))
			p.settled()
		}
		p.put(who, name, []byte(name))
	}
	if _, err := p.passing(node.ClientConfig{}).Put(t.Context(), "open.txt", strings.NewReader("x"), node.PutOptions{Size: 1}); err != nil {
		t.Fatal(err)
	}
	// A stranger can put what it likes under a name of the vault. Nobody reads it.
	stranger := p.passing(node.ClientConfig{})
	forged := p.vault.StoredName("docs/forged.txt")
	if _, err := stranger.Put(t.Context(), forged, strings.NewReader("x"), node.PutOptions{Size: 1}); err != nil {
		t.Fatal(err)
	}
	client := p.client()
	if _, err := client.Get(t.Context(), "docs/forged.txt", node.GetOptions{}); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("a file that a stranger has put: %v", err)
	}
	defer func() { // it can be got rid of
		if err := client.Remove(t.Context(), "docs/forged.txt"); err != nil {
			t.Error(err)
		}
	}()
	for _, prefix := range []string{"", "d", "docs", "docs/", "docs/o", "docs/old/", "docs2/", "none/", "docs/a.txt"} {
		var got, want []string
		for f, err := range client.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if f.Hash != hashText([]byte(f.Name)) || f.Size != int64(len(f.Name)) || f.StoredHash == "" {
				t.Errorf("%+v", f)
			}
			got = append(got, f.Name)
		}
		for _, n := range names {
			if strings.HasPrefix(n, prefix) {
				want = append(want, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %q: %q, want %q", prefix, got, want)
		}
	}
}

// A put that was interrupted goes on; so does a get into a file that has a part already.
func TestEncryptedTransfersContinue(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	const blocks = 6
	data := bytesOf(7, blocks*node.DefaultBlockSize-1000)
	client := p.client()
	acknowledged := make(chan struct{}, blocks)
	in := io.MultiReader(bytes.NewReader(data[:5*node.DefaultBlockSize]), waitThenFail{t, acknowledged, 3})
	_, err := client.Put(t.Context(), "x", in, node.PutOptions{Size: int64(len(data)), Progress: func(node.Progress) { acknowledged <- struct{}{} }})
	if !errors.Is(err, errCut) {
		t.Fatalf("the interrupted put: %v", err)
	}
	res, err := client.Put(t.Context(), "x", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(3 * node.DefaultBlockSize); res.Sent > most {
		t.Errorf("%d bytes were sent again, at most %d were missing", res.Sent, most)
	}

	path := filepath.Join(t.TempDir(), "x")
	have := bytes.Clone(data[:4*node.DefaultBlockSize])
	have[node.DefaultBlockSize+5]++ // a damaged block
	if err := os.WriteFile(path, have, 0o600); err != nil {
		t.Fatal(err)
	}
	dst, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dst.Close() }()
	f, err := client.Get(t.Context(), "x", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Save(dst); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v: not those that were put", len(got), err)
	}

	// A new version in which one block has changed: only that one, and the first, are sent.
	data[3*node.DefaultBlockSize]++
	res, err = client.Put(t.Context(), "x", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
	if err != nil || res.Sent > 2*node.DefaultBlockSize {
		t.Errorf("%d bytes were sent for one changed block, %v", res.Sent, err)
	}
	if got := p.get(client, "x"); !bytes.Equal(got, data) {
		t.Error("the new version came back different")
	}
}

// Files of all sizes can be read, and each version by its name.
func TestEncryptedEmptyAndSmall(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	client := p.client()
	for _, size := range []int{0, 1, 4096, node.DefaultBlockSize, node.DefaultBlockSize + 1} {
		data := bytesOf(uint64(size), size)
		res := p.put(p.nodes[0], "file", data)
		if res.Hash != hashText(data) {
			t.Errorf("%d bytes: the hash is %s", size, res.Hash)
		}
		if got := p.get(client, "file"); !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back different", size)
		}
		f, err := client.Get(t.Context(), "file", node.GetOptions{Version: res.Version})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, by version: %v", size, err)
		}
		_ = f.Close()
	}
}

// Without the keys nothing is stored in the clear by mistake.
func TestNoKeysNoFiles(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	behind := p.passing(node.ClientConfig{}.WithVault(p.vault.Announced(2)))
	if _, err := behind.Put(t.Context(), "a", strings.NewReader("x"), node.PutOptions{Size: 1}); fault.CodeOf(err) != fault.TryAgain {
		t.Errorf("put with a key that is not the newest: %v", err)
	}
	none := fault.New(fault.TryAgain, "the keys have not arrived yet")
	client := p.passing(node.ClientConfig{}.WithVaultError(none))
	if _, err := client.Put(t.Context(), "a", strings.NewReader("x"), node.PutOptions{Size: 1}); !errors.Is(err, none) {
		t.Errorf("put: %v", err)
	}
	if _, err := client.Get(t.Context(), "a", node.GetOptions{}); !errors.Is(err, none) {
		t.Errorf("get: %v", err)
	}
	if _, err := client.Stat(t.Context(), "a"); !errors.Is(err, none) {
		t.Errorf("stat: %v", err)
	}
	if err := client.Remove(t.Context(), "a"); !errors.Is(err, none) {
		t.Errorf("rm: %v", err)
	}
	for _, err := range client.List(t.Context(), "") {
		if !errors.Is(err, none) {
			t.Errorf("ls: %v", err)
		}
	}
	for f, err := range p.passing(node.ClientConfig{}).List(t.Context(), "") {
		t.Errorf("%+v, %v was stored", f, err)
	}
}
