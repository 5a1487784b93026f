package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/share"
)

// The screen of a watch has what moves first, then what came to rest last, and ends in
// time however many files there are.
func TestTheScreenOfAWatch(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := NewWatch(console.New(&out, &out))
	file := func(name, state string) {
		v.Show(share.Update{File: &share.File{Name: name, State: state, Size: 10, Done: 5, Copies: 3, Reason: "no space", Retry: true}})
	}
	v.Show(share.Update{Folder: &share.Status{Folder: "/f", State: share.FolderWatching, Stored: 1, Problems: []string{"raise it"}}})
	file("old", share.StateStored)
	v.Show(share.Update{Present: true})
	file("c", share.StateWaiting)
	file("b", share.StateRefused)
	file("a", share.StateUploading)
	file("new", share.StateUploading)
	file("new", share.StateStored)
	file("away", share.StateGone)
	got := strings.Join(v.lines(100), "\n")
	want := strings.Join([]string{
		"watching   /f  1 stored, 0 uploading, 0 waiting, 0 refused",
		"           raise it",
		"uploading  50%           10 B  a",
		"refused    b: no space; it will be tried again",
		"waiting                  10 B  c",
		"gone                           away",
		"stored     3 copies      10 B  new",
		"stored     3 copies      10 B  old",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if l := v.lines(4); len(l) != 5 || !strings.Contains(l[4], "and 1 more") {
		t.Errorf("of few lines: %q", l)
	}
	began := time.Now()
	for i := range 100_000 {
		file(fmt.Sprint("many/", i), share.StateWaiting)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("100,000 files took %v", took)
	}
}
