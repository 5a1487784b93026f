package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/manual"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// testdata/CLI.md is what was promised to those who write scripts; docs/cli.md is that and what has
// been added. The tests here hold the commands to both, and see that scripts in testdata try all of
// it.

func readText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// usage is a command line as a document shows it: a verb, and the flags that stand there.
type usage struct {
	verb  string
	flags []string // "--name" or "-r"
}

var flagWord = regexp.MustCompile(`(?:^|[\s\[(` + "`" + `])(--?[a-z][a-z-]*)`)

// usages finds the command lines of a document: the lines of "p2pchord VERB" blocks, and the first
// cells of tables of verbs.
func usages(text string) []usage {
	var out []usage
	cell := regexp.MustCompile("(?m)^\\| `([a-z]+)([^|`\\\\]*(?:\\\\\\|[^|`\\\\]*)*)`.*$")
	for _, m := range cell.FindAllStringSubmatch(text, -1) {
		out = append(out, usageOf(m[1], m[2]))
	}
	block := regexp.MustCompile(`(?m)^    p2pchord ([a-z]+) +(\[.*(?:\n {20,}\[.*)*)`)
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		out = append(out, usageOf(m[1], m[2]))
	}
	return out
}

func usageOf(verb, rest string) usage {
	u := usage{verb: verb}
	for _, m := range flagWord.FindAllStringSubmatch(rest, -1) {
		u.flags = append(u.flags, m[1])
	}
	return u
}

// commandOf returns the command of that name, nil when there is none.
func commandOf(root *cobra.Command, verb string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == verb {
			return c
		}
	}
	return nil
}

func hasFlag(c *cobra.Command, word string) bool {
	c.InheritedFlags() // adds them to Flags
	if name, long := strings.CutPrefix(word, "--"); long {
		return c.Flags().Lookup(name) != nil
	}
	word = strings.TrimPrefix(word, "-")
	return len(word) == 1 && c.Flags().ShorthandLookup(word) != nil
}

// hasFlagBelow reports whether a command, or one of its subcommands, has a flag.
func hasFlagBelow(c *cobra.Command, word string) bool {
	return hasFlag(c, word) || slices.ContainsFunc(c.Commands(), func(sub *cobra.Command) bool { return hasFlag(sub, word) })
}

func TestWhatWasPromisedIsThere(t *testing.T) {
	t.Parallel()
	root := testRoot()
	found := usages(readText(t, "testdata/CLI.md"))
	var verbs []string
	for _, u := range found {
		verbs = append(verbs, u.verb)
		c := commandOf(root, u.verb)
		if c == nil {
			t.Errorf("there is no verb %q", u.verb)
			continue
		}
		for _, f := range u.flags {
			if !hasFlag(c, f) {
				t.Errorf("%s has no %s", u.verb, f)
			}
		}
	}
	for _, v := range []string{"bootstrap", "node", "put", "get", "quit", "netcheck", "shell"} {
		if !slices.Contains(verbs, v) {
			t.Errorf("%q was not found in CLI.md: %q", v, verbs)
		}
	}
}

// docs/cli.md describes every verb and flag, and none that doesn't exist.
func TestTheDocumentDescribesAll(t *testing.T) {
	t.Parallel()
	root := testRoot()
	text := readText(t, "../../docs/cli.md")
	for _, u := range usages(text) {
		if c := commandOf(root, u.verb); c != nil {
			for _, f := range u.flags {
				if !hasFlagBelow(c, f) {
					t.Errorf("docs/cli.md: %s has no %s", u.verb, f)
				}
			}
		}
	}
	known := map[string]bool{"--help": true}
	everyCommand(root, func(c *cobra.Command) {
		if c.HasParent() && c.Parent().Name() == "completion" {
			return // the completion's own
		}
		if !strings.Contains(text, "`"+c.Name()) && !strings.Contains(text, "p2pchord "+c.Name()) && !strings.Contains(text, c.Parent().Name()+" "+c.Name()) {
			t.Errorf("docs/cli.md doesn't describe %s", c.CommandPath())
		}
		c.InheritedFlags()
		c.Flags().VisitAll(func(f *pflag.Flag) {
			known["--"+f.Name] = true
			if f.Name != "help" && !strings.Contains(text, "--"+f.Name) && (f.Shorthand == "" || !strings.Contains(text, "-"+f.Shorthand+" ")) {
				t.Errorf("docs/cli.md doesn't describe --%s of %s", f.Name, c.CommandPath())
			}
		})
	})
	for _, m := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(text, -1) {
		if !known[m] && !slices.Contains([]string{"--now"}, m) { // systemctl's
			t.Errorf("docs/cli.md describes %s, which no command has", m)
		}
	}
}

// Each line that a document gives for typing is one that the program takes.
func TestLinesToTypeAreRight(t *testing.T) {
	t.Parallel()
	root := testRoot()
	lines := 0
	line := regexp.MustCompile(`(?:^|[\s$>|&(` + "`" + `])p2pchord ([a-z]+)((?: [^|&#$` + "`" + `)]*)?)`)
	for _, file := range []string{"../../README.md", "../../docs/cli.md", "../../docs/tour.md", "../../docs/put-and-get.md", "../../deploy/compose.yaml", "../../deploy/Dockerfile"} {
		for l := range strings.SplitSeq(readText(t, file), "\n") {
			for _, m := range line.FindAllStringSubmatch(l, -1) {
				c := commandOf(root, m[1])
				if c == nil {
					continue // prose: "a p2pchord node" has a verb, others have none
				}
				lines++
				for _, f := range usageOf(m[1], m[2]).flags {
					if strings.Trim(f, "-") != "" && !hasFlag(c, f) && (len(c.Commands()) == 0) {
						t.Errorf("%s: %s has no %s: %s", filepath.Base(file), m[1], f, l)
					}
				}
			}
		}
	}
	if lines < 25 {
		t.Errorf("only %d lines were found", lines)
	}
}

// Each verb that users see has an example in its help text, and the program takes it.
func TestEveryVerbHasAnExample(t *testing.T) {
	t.Parallel()
	root := testRoot()
	everyCommand(root, func(c *cobra.Command) {
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
			return
		}
		own := false
		for _, part := range regexp.MustCompile(`\n|\||;`).Split(c.Example, -1) {
			words := strings.Fields(part)
			i := slices.Index(words, "p2pchord")
			if i < 0 {
				continue
			}
			found, rest, err := root.Find(words[i+1:])
			if err != nil {
				t.Errorf("%s: the example %q: %v", c.CommandPath(), part, err)
				continue
			}
			own = own || found == c || found.Parent() == c
			for _, w := range rest {
				if w == ">" || w == "<" || w == "#" || w == "&&" || w == "--" {
					break
				}
				if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(name, "-") && name != "-" && !hasFlag(found, name) {
					t.Errorf("%s: the example %q: there is no %s", c.CommandPath(), part, name)
				}
			}
		}
		if !own {
			t.Errorf("%s: its example shows another command: %s", c.CommandPath(), c.Example)
		}
	})
}

// Scripts try every verb, every flag of each, and every exit code, with the real program.
func TestScriptsTryAll(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, f := range files {
		scripts.WriteString(readText(t, f))
	}
	lines := strings.Split(scripts.String(), "\n")
	tried := func(verb, flag string) bool {
		return slices.ContainsFunc(lines, func(l string) bool {
			words := strings.Fields(strings.ReplaceAll(l, "=", " "))
			i := slices.Index(words, verb)
			// "node NAME FLAGS" and "background NAME VERB FLAGS" start the program too.
			starts := i > 0 && (words[i-1] == "p2pchord" || words[0] == "background" || strings.HasPrefix(words[i-1], "-")) || i == 0 && verb == "node"
			return starts && (flag == "" || slices.Contains(words[i:], flag))
		})
	}
	// What the scripts' own commands give to each peer they start.
	harness := map[string][]string{
		"node":      {"--listen", "--heartbeat", "--mdns", "--bootstrap", "--data", "--addr-file"},
		"bootstrap": {"--listen", "--heartbeat", "--data", "--addr-file"},
	}
	root := testRoot()
	for _, c := range root.Commands() {
		if c.Hidden {
			continue
		}
		if !tried(c.Name(), "") {
			t.Errorf("no script tries %s", c.Name())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || slices.Contains(harness[c.Name()], "--"+f.Name) {
				return
			}
			if !tried(c.Name(), "--"+f.Name) && (f.Shorthand == "" || !tried(c.Name(), "-"+f.Shorthand)) && !triedForAll[f.Name] {
				t.Errorf("no script tries --%s of %s", f.Name, c.Name())
			}
		})
	}
	for _, code := range manual.ExitCodes {
		if !regexp.MustCompile(`(?m)^exits ` + strconv.Itoa(code.Exit()) + ` p2pchord|^interrupt `).MatchString(scripts.String()) {
			t.Errorf("no script ends with %d", code.Exit())
		}
	}
	table := readText(t, "testdata/CLI.md")
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(table, -1) {
		if m[1] != "0" && !slices.ContainsFunc(manual.ExitCodes, func(c fault.Code) bool { return strconv.Itoa(c.Exit()) == m[1] }) {
			t.Errorf("no kind of failure has exit code %s", m[1])
		}
	}
}

// triedForAll are flags that many verbs share, each in the same way: one verb's script is enough.
var triedForAll = map[string]bool{"api": true, "timeout": true, "bootstrap": true}
