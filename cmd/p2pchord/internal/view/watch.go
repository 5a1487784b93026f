package view

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/share"
)

// FileLine returns the state of a file.
func FileLine(f share.File) string {
	note := ""
	switch f.State {
	case share.StateUploading:
		if f.Size > 0 {
			note = fmt.Sprintf("%d%%", min(100, f.Done*100/f.Size))
		}
	case share.StateStored:
		note = textfmt.Count(f.Copies, "copy", "copies")
	case share.StateRefused:
		reason := f.Reason
		if f.Retry {
			reason += "; it will be tried again"
		}
		return gateway.OneLine(fmt.Sprintf("%-9s  %s: %s", f.State, f.Name, reason))
	}
	bytes := textfmt.Size(f.Size)
	if f.State == share.StateGone {
		bytes = ""
	}
	return gateway.OneLine(fmt.Sprintf("%-9s  %-8s  %8s  %s", f.State, note, bytes, f.Name))
}

// FolderLines returns the state of the folder, and its problems.
func FolderLines(s share.Status) []string {
	number := func(n int) string { return humanize.Comma(int64(n)) }
	head := fmt.Sprintf("%-9s  %s  %s stored, %s uploading, %s waiting, %s refused",
		s.State, s.Folder, number(s.Stored), number(s.Uploading), number(s.Waiting), number(s.Refused))
	if s.State == share.FolderScanning {
		head += ", " + number(s.Scanned) + " files seen so far"
	}
	lines := []string{gateway.OneLine(head)}
	for _, p := range s.Problems {
		lines = append(lines, "           "+gateway.OneLine(p))
	}
	return lines
}

const (
	// redrawEvery is the shortest time between two drawings of the screen.
	redrawEvery = 100 * time.Millisecond
	// redrawShare: the pause after a drawing is at least this many times as long as it took.
	redrawShare = 5
	// watchRecent is the limit of stored files that are kept to be shown.
	watchRecent = 200
)

// Watch shows a folder on a terminal: its state, the files that are being stored, and the latest
// that were.
type Watch struct {
	out    *console.Output
	folder share.Status
	moving map[string]share.File
	recent []share.File // the latest first
	begun  bool         // the state at the beginning is complete
	next   time.Time    // no drawing before this, unless the folder's state has changed
}

// Show applies an update and draws the screen.
func (v *Watch) Show(u share.Update) {
	switch {
	case u.Folder != nil:
		v.folder = *u.Folder
	case u.File != nil:
		v.file(*u.File)
	}
	v.begun = v.begun || u.Present
	// The final state is always drawn, because the folder's state follows the last change of a
	// file.
	if now := time.Now(); v.begun && (u.File == nil || now.After(v.next)) {
		_, height := v.out.Size()
		v.out.Redraw(v.lines(height - 2))
		v.next = time.Now().Add(max(redrawEvery, redrawShare*time.Since(now)))
	}
}

func (v *Watch) file(f share.File) {
	if v.moving == nil {
		v.moving = map[string]share.File{}
	}
	delete(v.moving, f.Name)
	v.recent = slices.DeleteFunc(v.recent, func(r share.File) bool { return r.Name == f.Name })
	switch {
	case f.State != share.StateStored && f.State != share.StateGone:
		v.moving[f.Name] = f
	case v.begun:
		v.recent = slices.Insert(v.recent, 0, f)
		v.recent = v.recent[:min(len(v.recent), watchRecent)]
	case len(v.recent) < watchRecent:
		v.recent = append(v.recent, f) // the first ones of the beginning
	}
}

// lines returns the screen, with at most this many lines.
func (v *Watch) lines(most int) []string {
	out := FolderLines(v.folder)
	moving := v.first(most)
	for i, f := range slices.Concat(moving, v.recent) {
		if len(out) >= most && i < len(v.moving) {
			return append(out, fmt.Sprintf("           and %s more", humanize.Comma(int64(len(v.moving)-i))))
		}
		if len(out) >= most {
			break
		}
		out = append(out, FileLine(f))
	}
	return out
}

// first returns the first few files that are not stored: uploading, refused, waiting.
func (v *Watch) first(most int) []share.File {
	rank := func(state string) int {
		return slices.Index([]string{share.StateUploading, share.StateRefused, share.StateWaiting}, state)
	}
	order := func(a, b share.File) int {
		return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(a.Name, b.Name))
	}
	best := make([]share.File, 0, most+1)
	for _, f := range v.moving {
		if len(best) == most && order(f, best[most-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, f, order)
		best = slices.Insert(best, at, f)
		best = best[:min(len(best), most)]
	}
	return best
}

// NewWatch returns an empty view on out.
func NewWatch(out *console.Output) *Watch { return &Watch{out: out} }
