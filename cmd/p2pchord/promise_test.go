package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// shape is what an object of a document's JSON section has: each field with the shape of its
// value, nil where any will do. A list's is that of its elements.
type shape map[string]shape

// shapes reads the JSON section of a document: for each verb the fields of its objects.
func shapes(text string) map[string]shape {
	_, section, _ := strings.Cut(text, "## JSON")
	section, _, _ = strings.Cut(section, "\n## ")
	out := map[string]shape{}
	entry := regexp.MustCompile(`(?m)^    ([a-z]+) .*(?:\n {8,}.*)*`)
	for _, m := range entry.FindAllStringSubmatch(section, -1) {
		s := shape{}
		if strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(m[0], "    "+m[1])), "as ls") {
			for k, v := range out["ls"] {
				s[k] = v
			}
		}
		if i := strings.Index(m[0], "{"); i >= 0 {
			p := &shapeParser{rest: m[0][i:]}
			for k, v := range p.object() {
				s[k] = v
			}
		}
		out[m[1]] = s
	}
	return out
}

// shapeParser reads the documents' short form of JSON: {"a","b":[{"c"}],"d":{...}|null,"e":"x|y"}.
type shapeParser struct{ rest string }

func (p *shapeParser) space() { p.rest = strings.TrimLeft(p.rest, " \n,") }

// object reads {...}. It is at the brace.
func (p *shapeParser) object() shape {
	s := shape{}
	p.rest = p.rest[1:]
	for p.space(); p.rest != "" && p.rest[0] != '}'; p.space() {
		if p.rest[0] != '"' {
			p.rest = p.rest[1:] // "..." of what stands elsewhere
			continue
		}
		name, after, _ := strings.Cut(p.rest[1:], `"`)
		p.rest = after
		s[name] = nil
		if strings.HasPrefix(p.rest, ":") {
			p.rest = p.rest[1:]
			s[name] = p.value()
		}
	}
	p.rest = strings.TrimPrefix(p.rest, "}")
	return s
}

func (p *shapeParser) value() (s shape) {
	if strings.HasPrefix(p.rest, "[") {
		end := strings.Index(p.rest, "]")
		if strings.HasPrefix(p.rest, "[{") {
			p.rest = p.rest[1:]
			s = p.object()
			end = strings.Index(p.rest, "]")
		}
		p.rest = p.rest[end+1:]
	} else if strings.HasPrefix(p.rest, "{") {
		s = p.object()
	}
	// What is left of it are words: a type, "a|b", or |null.
	p.rest = strings.TrimLeft(p.rest, `|abcdefghijklmnopqrstuvwxyzN`)
	if strings.HasPrefix(p.rest, `"`) && s == nil {
		_, after, _ := strings.Cut(p.rest[1:], `"`)
		p.rest = after
	}
	if len(s) == 0 {
		return nil
	}
	return s
}

// optional are fields that are there only where they say something: the path to another peer, its relay, the time there and back.
var optional = []string{"path", "via", "latency_ms"}

// lacks names the first field that a value of that shape should have and doesn't.
func (s shape) lacks(v any, at string) string {
	switch v := v.(type) {
	case nil:
		return "" // what may be null
	case []any:
		for i, e := range v {
			if missing := s.lacks(e, fmt.Sprintf("%s[%d]", at, i)); missing != "" {
				return missing
			}
		}
		return ""
	case map[string]any:
		for name, inner := range s {
			if _, there := v[name]; !there && !slices.Contains(optional, name) {
				return at + "." + name
			}
			if inner != nil && v[name] != nil {
				if missing := inner.lacks(v[name], at+"."+name); missing != "" {
					return missing
				}
			}
		}
		return ""
	}
	return at
}

// promised VERB [stderr]: stdout is objects, one a line, each with all the fields that testdata/CLI.md and docs/cli.md
// promise of the verb.
func promised(ts *testscript.TestScript, _ bool, args []string) {
	stream := "stdout"
	if len(args) > 1 {
		stream = args[1]
	}
	out := strings.TrimSpace(ts.ReadFile(stream))
	for _, file := range []string{"testdata/CLI.md", "../../docs/cli.md"} {
		b, err := os.ReadFile(file)
		ts.Check(err)
		s, ok := shapes(string(b))[args[0]]
		if !ok && strings.HasPrefix(file, "testdata") {
			continue // it was added
		}
		if len(s) == 0 {
			ts.Fatalf("%s says nothing of %s", file, args[0])
		}
		for l := range strings.SplitSeq(out, "\n") {
			var v map[string]any
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				ts.Fatalf("no JSON object: %q: %v", l, err)
			}
			if missing := s.lacks(v, args[0]); missing != "" {
				ts.Fatalf("%s promises %s, and it isn't in %s", file, missing, l)
			}
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	s := shapes("## JSON\n\n    ls      {\"name\",\"copies\"}     one a file\n" +
		"    stat    as ls, and {\"w\",\"holders\":[{\"id\",\"role\":\"owner|backup\",\"ok\":bool}],\"siblings\":[...]}\n" +
		"    status  {\"state\":\"a|b\",\"addrs\":[...],\n             \"pre\":{...}|null,\"net\":{\"n\":N},\"last\"}\n\n## Words\n    no {\"x\"}\n")
	if len(s) != 3 || len(s["stat"]) != 5 || len(s["stat"]["holders"]) != 3 || len(s["status"]) != 5 || len(s["status"]["net"]) != 1 || s["status"]["pre"] != nil {
		t.Errorf("%v", s)
	}
	for text, want := range map[string]string{
		`{"name":"a","copies":1,"w":"","holders":[],"siblings":[]}`:                          "",
		`{"name":"a","copies":1,"w":"","holders":[{"id":1,"role":"","ok":1}],"siblings":[]}`: "",
		`{"name":"a","copies":1,"w":"","holders":[{"id":1,"ok":1}],"siblings":[]}`:           "stat.holders[0].role",
		`{"copies":1,"w":"","holders":[],"siblings":[]}`:                                     "stat.name",
		`{"name":"a","copies":1,"w":"","holders":"none","siblings":[]}`:                      "stat.holders",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := s["stat"].lacks(v, "stat"); got != want {
			t.Errorf("%s: lacks %q, want %q", text, got, want)
		}
	}
	doc := shapes(readText(t, "../../docs/cli.md"))
	for verb, promise := range shapes(readText(t, "testdata/CLI.md")) {
		for field := range promise {
			if _, ok := doc[verb][field]; !ok {
				t.Errorf("docs/cli.md has forgotten %s of %s", field, verb)
			}
		}
	}
	// Each verb of the document has a script that looks at its fields.
	script := readText(t, "testdata/contract.txt")
	for verb := range doc {
		if !slices.Contains(strings.Split(script, "\n"), "promised "+verb) && !slices.Contains(otherPromises, verb) {
			t.Errorf("contract.txt doesn't look at the fields of %s", verb)
		}
	}
}

// otherPromises are looked at by scripts of their own, or have more than one form.
var otherPromises = []string{"config", "demo", "error", "netcheck", "verify", "watch"}
