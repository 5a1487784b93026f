package prompt

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

const (
	tab = '\t'
	// completeWithin is how long listing names of the ring may take: a key must not hang.
	completeWithin = 700 * time.Millisecond
	// completeMost is the limit of candidates.
	completeMost = 200
)

// verbs are what a prompt completes as the first word.
var verbs = []string{"exit", "get", "health", "help", "leave", "lookup", "ls", "netcheck", "peers", "put", "quit", "ring", "rm", "stat", "status", "trace", "verify", "version", "watch"}

// complete is called for each key. Tab completes the word before the cursor: a verb, the name of a
// file in the ring, or after put and -o a path on this machine.
func (p *Prompt) complete(line string, pos int, key rune) (string, int, bool) {
	if key != tab {
		return "", 0, false
	}
	words, err := SplitWords(line[:pos])
	if err != nil {
		return line, pos, true
	}
	last := ""
	if n := len(words); n > 0 && !strings.HasSuffix(line[:pos], " ") {
		last, words = words[n-1], words[:n-1]
	}
	// Names that can't be shown as they are aren't completed.
	found := slices.DeleteFunc(p.candidates(words, last), func(s string) bool { return !safetext.Safe(s) })
	if len(found) == 0 {
		return line, pos, true
	}
	common := commonPrefix(found)
	if len(found) > 1 && common == last {
		p.print(strings.Join(found, "  "))
		return line, pos, true
	}
	insert := escapeWord(common)
	if len(found) == 1 && !strings.HasSuffix(common, "/") {
		insert += " "
	}
	begin := line[:pos-len(escapedTail(line[:pos], last))] + insert
	return begin + line[pos:], len(begin), true
}

// escapedTail is the word before the cursor as it was typed.
func escapedTail(before, last string) string {
	if last == "" {
		return ""
	}
	for i := range before {
		if w, err := SplitWords(before[i:]); err == nil && len(w) == 1 && w[0] == last && (i == 0 || before[i-1] == ' ') && before[i] != ' ' {
			return before[i:]
		}
	}
	return last
}

func (p *Prompt) candidates(words []string, last string) []string {
	switch {
	case len(words) == 0:
		return withPrefix(verbs, last)
	case words[0] == "put" || words[len(words)-1] == "-o":
		return localFiles(last)
	case slices.Contains([]string{"get", "stat", "rm", "lookup", "ls", "trace"}, words[0]):
		return p.namesInRing(last)
	}
	return nil
}

func (p *Prompt) namesInRing(prefix string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
	defer cancel()
	var found []string
	for f, err := range p.Peer.List(ctx, prefix) {
		if err != nil || len(found) == completeMost {
			break
		}
		found = append(found, f.Name)
	}
	return found
}

func localFiles(prefix string) []string {
	dir, base := filepath.Split(prefix)
	entries, err := os.ReadDir(filepath.Clean("./" + dir))
	if filepath.IsAbs(dir) {
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base) || strings.HasPrefix(e.Name(), ".") && base == "" {
			continue
		}
		name := dir + e.Name()
		if e.IsDir() {
			name += "/"
		}
		found = append(found, name)
	}
	return found[:min(len(found), completeMost)]
}

func withPrefix(list []string, prefix string) []string {
	var found []string
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			found = append(found, s)
		}
	}
	return found
}

// commonPrefix is the common prefix of list, in whole runes.
func commonPrefix(list []string) string {
	common := []rune(list[0])
	for _, s := range list[1:] {
		n := 0
		for _, r := range s {
			if n == len(common) || common[n] != r {
				break
			}
			n++
		}
		common = common[:n]
	}
	return string(common)
}
