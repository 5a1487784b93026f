package ignore

import (
	"path"
	"strings"
)

// FileName is the name of the files with patterns. Each folder may have one.
const FileName = ".p2pignore"

// Rules are the patterns of one folder's .p2pignore, and of its parents'. A nil
// *Rules ignores nothing.
type Rules struct {
	parent   *Rules
	folder   string // relative, "" for the top
	patterns []pattern
}

type pattern struct {
	glob     string
	negated  bool
	folders  bool // only folders
	anchored bool // the whole path from the folder on, not the base name
}

// Parse reads the text of a folder's .p2pignore.
func Parse(parent *Rules, folder, text string) *Rules {
	r := &Rules{parent: parent, folder: folder}
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

// endsEscaped reports whether s ends with an odd number of backslashes.
func endsEscaped(s string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1
}

// Ignored reports whether the rules match a path. It doesn't look at the folders that the path is
// in.
func (r *Rules) Ignored(name string, folder bool) bool {
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
			if match(p.glob, text) {
				return !p.negated
			}
		}
	}
	return false
}
