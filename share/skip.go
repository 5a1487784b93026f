package share

import (
	"path"
	"strings"
)

// ignoreFile names what is not shared, in the syntax of gitignore, in any folder.
const ignoreFile = ".p2pignore"

// partial are the endings of files that programs are still writing, and of those that
// they keep beside others.
var partial = []string{
	".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".aria2", ".!ut", ".!qb", ".bc!", // downloads
	".tmp", ".temp", "~", // editors and office programs
}

// busyMarks are the endings of files beside one that is still being fetched: the
// browser or downloader has made NAME already, and writes to NAME.part.
var busyMarks = []string{".part", ".crdownload", ".aria2"}

// skipped tells that a file or folder of this base name is never shared.
func skipped(base string) bool {
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "~$") ||
		strings.HasPrefix(base, "#") && strings.HasSuffix(base, "#") {
		return true
	}
	lower := strings.ToLower(base)
	for _, end := range partial {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return lower == "thumbs.db" || lower == "desktop.ini"
}

// rules are the patterns of one folder's .p2pignore, below those of its parents. A nil
// *rules ignores nothing.
type rules struct {
	parent   *rules
	folder   string // relative, "" for the top
	patterns []pattern
}

type pattern struct {
	glob     string
	negated  bool
	folders  bool // only folders
	anchored bool // the whole path from the folder on, not the base name
}

// parseRules reads the text of a .p2pignore.
func parseRules(parent *rules, folder, text string) *rules {
	r := &rules{parent: parent, folder: folder}
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		if p, ok := parsePattern(strings.TrimSuffix(line, "\r")); ok {
			r.patterns = append(r.patterns, p)
		}
	}
	if len(r.patterns) == 0 {
		return parent
	}
	return r
}

func parsePattern(line string) (p pattern, ok bool) {
	if strings.HasPrefix(line, "#") {
		return p, false
	}
	for strings.HasSuffix(line, " ") && !endsEscaped(line[:len(line)-1]) {
		line = line[:len(line)-1]
	}
	if rest, negated := strings.CutPrefix(line, "!"); negated {
		line, p.negated = rest, true
	}
	if rest, folders := strings.CutSuffix(line, "/"); folders {
		line, p.folders = rest, true
	}
	p.anchored = strings.Contains(line, "/")
	p.glob = strings.TrimPrefix(line, "/")
	return p, p.glob != ""
}

// endsEscaped tells that s ends with an odd number of backslashes.
func endsEscaped(s string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1
}

// ignored tells whether the rules name a path, not whether they name a folder that it is in.
func (r *rules) ignored(name string, folder bool) bool {
	for ; r != nil; r = r.parent {
		rel := name
		if r.folder != "" {
			rel = strings.TrimPrefix(name, r.folder+"/")
		}
		for i := len(r.patterns) - 1; i >= 0; i-- {
			p := r.patterns[i]
			if p.folders && !folder {
				continue
			}
			text := rel
			if !p.anchored {
				text = path.Base(rel)
			}
			if matches(p.glob, text) {
				return !p.negated
			}
		}
	}
	return false
}
