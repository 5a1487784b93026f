package node_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// In a network that was made of an open ring the files of before can be read, and a put replaces
// them by encrypted ones. In others their names are not even asked for.
func TestFilesFromBefore(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	open := p.passing(node.ClientConfig{})
	for _, name := range []string{"docs/a.txt", "docs/b.txt", "docs/c.txt"} {
		if _, err := open.Put(t.Context(), name, strings.NewReader("clear "+name), node.PutOptions{Size: node.SizeUnknown}); err != nil {
			t.Fatal(err)
		}
	}
	p.put(p.nodes[0], "docs/d.txt", []byte("sealed docs/d.txt"))
	if _, err := p.client().Get(t.Context(), "docs/a.txt", node.GetOptions{}); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a network that was never open: %v", err)
	}

	client := p.passing(node.ClientConfig{}.WithVault(p.vault).WithClear())
	list := func() string {
		var names []string
		for f, err := range client.List(t.Context(), "docs/") {
			if err != nil {
				t.Fatal(err)
			}
			if f.StoredHash != "" {
				f.Name += " sealed"
			}
			names = append(names, f.Name)
		}
		return strings.Join(names, ", ")
	}
	if got := list(); got != "docs/a.txt, docs/b.txt, docs/c.txt, docs/d.txt sealed" {
		t.Errorf("listed: %s", got)
	}
	if got := p.get(client, "docs/a.txt"); string(got) != "clear docs/a.txt" {
		t.Errorf("%q", got)
	}
	if st, err := client.Stat(t.Context(), "docs/a.txt"); err != nil || st.StoredHash != "" {
		t.Errorf("%+v, %v", st, err)
	}
	data := []byte("now it is encrypted")
	if _, err := client.Put(t.Context(), "docs/a.txt", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))}); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Stat(t.Context(), "docs/a.txt"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("what was replaced can still be read: %v", err)
	}
	if got := p.get(client, "docs/a.txt"); !bytes.Equal(got, data) {
		t.Errorf("%q", got)
	}
	if err := client.Remove(t.Context(), "docs/b.txt"); err != nil {
		t.Error(err)
	}
	if err := client.Remove(t.Context(), "docs/d.txt"); err != nil {
		t.Error(err)
	}
	if err := client.Remove(t.Context(), "docs/none.txt"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	if got := list(); got != "docs/a.txt sealed, docs/c.txt" {
		t.Errorf("listed: %s", got)
	}
}
