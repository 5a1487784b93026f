package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/share"
)

func (a *app) watchCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "watch [PREFIX]",
		Short: "Watch the shared folder of this node",
		Long: `Watch the folder that the node of --data shares (node --share DIR): the state of each
file whose name begins with PREFIX, waiting, uploading, stored with so many copies, or refused
and why. A file that has left the folder is gone; what the ring has of it stays.

On a terminal it shows what moves, until Ctrl-C. Elsewhere, and with --json, it is a line
for each file, and then one for each change; with --once it ends before the changes.`,
		Example: example("p2pchord watch", "p2pchord watch --once", "p2pchord watch --json Pictures/ | jq -r 'select(.state == \"refused\") | .name'"),
		Args:    atMostOne("one PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix := ""
			if len(args) > 0 {
				prefix = args[0]
			}
			return a.watch(cmd, prefix, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "show how it is, and end")
	return cmd
}

func (a *app) watch(cmd *cobra.Command, prefix string, once bool) error {
	p, err := a.openNode(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // nothing was changed
	show := a.watchLine
	kind, _ := a.lookupEnv("TERM")
	if !a.json && !once && a.out.CanRedraw(kind) {
		v := &watchView{out: a.out}
		defer a.out.EndScreen()
		show = v.show
	}
	for u, err := range p.Watch(cmd.Context(), !once) {
		if err != nil {
			return err
		}
		if u.File == nil || strings.HasPrefix(u.File.Name, prefix) {
			show(u)
		}
	}
	return cmd.Context().Err()
}

// watchLine shows an update as a line.
func (a *app) watchLine(u share.Update) {
	switch {
	case a.json && u.File != nil:
		a.out.Object(u.File)
	case a.json && u.Folder != nil:
		a.out.Object(u.Folder)
	case u.File != nil:
		a.out.Line("%s  %s", u.File.Time.Local().Format(time.TimeOnly), fileLine(*u.File))
	case u.Folder != nil:
		for _, l := range folderLines(*u.Folder) {
			a.out.Line("%s  %s", u.Folder.Time.Local().Format(time.TimeOnly), l)
		}
	}
}

// fileLine is a file's state as people read it.
func fileLine(f share.File) string {
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
			reason += "; it is tried again"
		}
		return gateway.OneLine(fmt.Sprintf("%-9s  %s: %s", f.State, f.Name, reason))
	}
	bytes := textfmt.Size(f.Size)
	if f.State == share.StateGone {
		bytes = ""
	}
	return gateway.OneLine(fmt.Sprintf("%-9s  %-8s  %8s  %s", f.State, note, bytes, f.Name))
}

// folderLines are the folder's state: what it is, and what is wrong.
func folderLines(s share.Status) []string {
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
	// redrawEvery is how often the screen is drawn at most.
	redrawEvery = 100 * time.Millisecond
	// redrawShare is how many times as long as drawing took nothing is drawn.
	redrawShare = 5
	// watchRecent is how many stored files it keeps to show.
	watchRecent = 200
)

// watchView is a watch on a terminal: the folder, what moves in it, and what came to rest last.
type watchView struct {
	out    *console.Output
	folder share.Status
	moving map[string]share.File
	recent []share.File // the latest first
	begun  bool         // what was there is known
	next   time.Time    // not drawn before, unless the folder's state has changed
}

func (v *watchView) show(u share.Update) {
	switch {
	case u.Folder != nil:
		v.folder = *u.Folder
	case u.File != nil:
		v.file(*u.File)
	}
	v.begun = v.begun || u.Present
	// A state that stays is always drawn: after the last change of a file the folder's own follows.
	if now := time.Now(); v.begun && (u.File == nil || now.After(v.next)) {
		_, height := v.out.Size()
		v.out.Redraw(v.lines(height - 2))
		v.next = time.Now().Add(max(redrawEvery, redrawShare*time.Since(now)))
	}
}

func (v *watchView) file(f share.File) {
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
		v.recent = append(v.recent, f) // of those that were there the first ones
	}
}

// lines is the screen, of at most so many lines.
func (v *watchView) lines(most int) []string {
	out := folderLines(v.folder)
	moving := v.first(most)
	for i, f := range slices.Concat(moving, v.recent) {
		if len(out) >= most && i < len(v.moving) {
			return append(out, fmt.Sprintf("           and %s more", humanize.Comma(int64(len(v.moving)-i))))
		}
		if len(out) >= most {
			break
		}
		out = append(out, fileLine(f))
	}
	return out
}

// first returns the first few of what moves: what is uploaded, what was refused, what waits.
func (v *watchView) first(most int) []share.File {
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
