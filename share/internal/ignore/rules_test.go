package ignore

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestSkipped(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		".hidden", ".p2pignore", "a.part", "A.PART", "film.mkv.crdownload", "a.tmp", "letter.odt~", "~$letter.docx",
		"#notes#", "x.aria2", "Thumbs.db", ".p2pchord-0123456789ab.part",
	} {
		if !SkippedName(base) {
			t.Errorf("%q is shared", base)
		}
	}
	for _, base := range []string{"a", "part", "a.part.zip", "~a", "a~b", "#a", "template", "a.tmpl", "…", "-", " "} {
		if SkippedName(base) {
			t.Errorf("%q is skipped", base)
		}
	}
}

// ignoredBelow is what a walk does: a file in an ignored folder is never reached.
func ignoredBelow(r func(folder string) *Rules, name string) bool {
	for i, c := range name {
		if c == '/' && r(path.Dir(name[:i])).Ignored(name[:i], true) {
			return true
		}
	}
	return r(path.Dir(name)).Ignored(name, false)
}

func TestNestedRules(t *testing.T) {
	t.Parallel()
	top := Parse(nil, "", "*.log\n/build\ndocs/**/*.txt\n!keep.log\n")
	sub := Parse(top, "sub", "!*.log\n/only\n# no\n\n")
	r := func(folder string) *Rules {
		if folder == "sub" || strings.HasPrefix(folder, "sub/") {
			return sub
		}
		return top
	}
	for name, want := range map[string]bool{
		"a.log": true, "keep.log": false, "x/a.log": true, "sub/a.log": false, "sub/x/a.log": false, "sub/only": true,
		"sub/x/only": false, "only": false, "build/x": true, "x/build/y": false, "docs/a/b/c.txt": true, "docs/c.txt": true, "c.txt": false,
	} {
		if got := ignoredBelow(r, name); got != want {
			t.Errorf("%s: ignored %v, want %v", name, got, want)
		}
	}
}

// unbounded is a "**" that no '/' stands before.
var unbounded = regexp.MustCompile(`[^/!]\*\*`)

// TestRulesAsGit compares with git itself, on patterns and names made at random from
// few letters, so that they often meet.
func TestRulesAsGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git isn't installed")
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	for round := range 100 {
		dir := t.TempDir()
		run := exec.Command(git, "init", "-q", dir)
		if out, err := run.CombinedOutput(); err != nil {
			t.Skipf("git init: %v: %s", err, out)
		}
		var lines []string
		for range 1 + rnd.IntN(4) {
			line := pick("", "", "", "!", "/", "#", `\#`, `\!`)
			for range 1 + rnd.IntN(5) {
				line += pick("a", "b", "c", "*", "**", "**/", "/**/", "/", "?", "[ab]", "[!a]", "[^b-c]", "[]a]", `[\]b]`, "[[:alpha:]]", "[a-", "[", `\a`, `\*`, ".", " ", `\ `)
			}
			if unbounded.MatchString(line) {
				// Git takes a literal beginning off first, and then finds the "**" at the
				// beginning.
				continue
			}
			lines = append(lines, line+pick("", "", "", "/", " ", "\r"))
		}
		text := strings.Join(lines, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var names []string
		for range 300 {
			name := ""
			for range 1 + rnd.IntN(5) {
				name += pick("a", "b", "c", "]", " ", "#", "!", "ab", "/a", "/b", "/c", "a/b", ".", "*")
			}
			name = strings.Trim(path.Clean(strings.Trim(name, "/")), ". ")
			if name != "" && !strings.Contains(name, "..") && !strings.Contains("/"+name+"/", "/./") && !strings.HasSuffix(name, "/") && name[0] != '/' {
				names = append(names, name)
			}
		}
		check := exec.Command(git, "-C", dir, "check-ignore", "--no-index", "-z", "--stdin")
		check.Stdin = strings.NewReader(strings.Join(names, "\x00") + "\x00")
		var out, errs bytes.Buffer
		check.Stdout, check.Stderr = &out, &errs
		if err := check.Run(); err != nil && check.ProcessState.ExitCode() != 1 {
			t.Fatalf("%v: %s", err, errs.String())
		}
		want := map[string]bool{}
		for n := range strings.SplitSeq(out.String(), "\x00") {
			want[n] = true
		}
		r := Parse(nil, "", text)
		for _, n := range names {
			if got := ignoredBelow(func(string) *Rules { return r }, n); got != want[n] {
				t.Errorf("round %d, %q: ignored %v, git says %v, of %q", round, n, got, want[n], lines)
			}
		}
	}
}

func TestAPatternOfManyStarsEnds(t *testing.T) {
	t.Parallel()
	if match(strings.Repeat("*a", 40)+"b", strings.Repeat("a", 200)) {
		t.Error("it matches")
	}
}
