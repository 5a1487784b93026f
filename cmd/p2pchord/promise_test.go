package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// shape is what an object of a document's JSON section has: each field with the shape of its
// value, nil where any will do. A list's is that of its elements.
type shape map[string]shape

// shapes reads the JSON section of a document: for each verb the fields of its objects, which may
// have several forms.
func shapes(text string) map[string][]shape {
	_, section, _ := strings.Cut(text, "## JSON")
	section, _, _ = strings.Cut(section, "\n## ")
	p := &shapeParser{verbs: map[string][]shape{}}
	entry := regexp.MustCompile(`(?m)^    ([a-z]+) .*(?:\n {8,}.*)*`)
	for _, m := range entry.FindAllStringSubmatch(section, -1) {
		p.rest = strings.TrimSpace(strings.TrimPrefix(m[0], "    "+m[1]))
		var forms []shape
		base := p.reference(nil)
		for p.next('{') {
			s := maps.Clone(base)
			if s == nil {
				s = shape{}
			}
			maps.Copy(s, p.object())
			forms = append(forms, s)
		}
		p.verbs[m[1]] = forms
	}
	return p.verbs
}

// shapeParser reads the documents' short form of JSON:
// {"a","b":[{"c"}],"d":{...}|null,"e":"x|y","f":as ls}, where {...} is what stands before it, "as
// VERB" what that verb has, and "as FIELD, without g, and {...}" what a field before it has.
type shapeParser struct {
	rest  string
	verbs map[string][]shape
}

func (p *shapeParser) space() { p.rest = strings.TrimLeft(p.rest, " \n,") }

// next goes to the next such character.
func (p *shapeParser) next(c byte) bool {
	i := strings.IndexByte(p.rest, c)
	p.rest = p.rest[max(i, 0):]
	return i >= 0
}

// object reads {...}. It is at the brace.
func (p *shapeParser) object() shape {
	s := shape{}
	var last shape
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
			s[name] = p.value(s, last)
		}
		if s[name] != nil {
			last = s[name]
		}
	}
	p.rest = strings.TrimPrefix(p.rest, "}")
	return s
}

var reference = regexp.MustCompile(`^as ([a-z]+)(?:, without ([a-z]+))?(?:, and )?`)

// reference reads "as NAME", which is a verb, or else a field of around; nil where there is none.
func (p *shapeParser) reference(around shape) shape {
	m := reference.FindStringSubmatch(p.rest)
	if m == nil {
		return nil
	}
	p.rest = p.rest[len(m[0]):]
	s := maps.Clone(around[m[1]])
	if forms := p.verbs[m[1]]; len(forms) > 0 {
		s = maps.Clone(forms[0])
	}
	delete(s, m[2])
	return s
}

// value reads the value of a field; last is the value before it that has fields.
func (p *shapeParser) value(around, last shape) (s shape) {
	p.rest = strings.TrimPrefix(p.rest, " each ")
	list := strings.HasPrefix(p.rest, "[")
	p.rest = strings.TrimPrefix(p.rest, "[")
	s = p.reference(around)
	if strings.HasPrefix(p.rest, "{...}") {
		s = last
	}
	if strings.HasPrefix(p.rest, "{") {
		if inner := p.object(); len(inner) > 0 {
			if s == nil {
				s = shape{}
			}
			maps.Copy(s, inner)
		}
	}
	if list && p.next(']') {
		p.rest = p.rest[1:]
	}
	// What is left of it are words: a type, "a|b", or |null.
	p.rest = strings.TrimLeft(p.rest, `|abcdefghijklmnopqrstuvwxyzN`)
	if strings.HasPrefix(p.rest, `"`) && s == nil {
		_, after, _ := strings.Cut(p.rest[1:], `"`)
		p.rest = after
	}
	return s
}

// optional are fields that are there only where they say something: the path to another peer, its
// relay, the time there and back; of a watched file the hash of what is stored, and why it is
// refused.
var optional = []string{"path", "via", "latency_ms", "watch.hash", "watch.code", "watch.reason"}

// lacks names the first field that a value of that shape should have and doesn't, and calls seen
// with those that it has.
func (s shape) lacks(v any, at string, seen func(field string)) string {
	switch v := v.(type) {
	case nil:
		return "" // what may be null
	case []any:
		for _, e := range v {
			if missing := s.lacks(e, at, seen); missing != "" {
				return missing
			}
		}
		return ""
	case map[string]any:
		for name, inner := range s {
			field := at + "." + name
			if _, there := v[name]; there {
				seen(field)
			} else if !slices.Contains(optional, name) && !slices.Contains(optional, field) {
				return field
			}
			if inner != nil && v[name] != nil {
				if missing := inner.lacks(v[name], field, seen); missing != "" {
					return missing
				}
			}
		}
		return ""
	}
	return at
}

// all calls seen with each field of the shape.
func (s shape) all(at string, seen func(field string)) {
	for name, inner := range s {
		seen(at + "." + name)
		inner.all(at+"."+name, seen)
	}
}

var documents = []string{"testdata/CLI.md", "../../docs/cli.md"}

// fieldsSeen are the fields of JSON objects that scripts have looked at. It is safe for concurrent
// use.
type fieldsSeen struct {
	mu      sync.Mutex
	scripts int // that have begun
	fields  map[string]bool
}

func (f *fieldsSeen) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts++
}

func (f *fieldsSeen) add(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range names {
		f.fields[n] = true
	}
}

// promised VERB [stderr]: stdout is objects, one a line, each with all the fields that
// testdata/CLI.md and docs/cli.md promise of the verb, in one of its forms.
func (f *fieldsSeen) promised(ts *testscript.TestScript, _ bool, args []string) {
	stream := "stdout"
	if len(args) > 1 {
		stream = args[1]
	}
	f.check(ts, args[0], strings.TrimSpace(ts.ReadFile(stream)))
}

func (f *fieldsSeen) check(ts *testscript.TestScript, verb, out string) {
	for _, file := range documents {
		b, err := os.ReadFile(file)
		ts.Check(err)
		forms, ok := shapes(string(b))[verb]
		if !ok && file == documents[0] {
			continue // it was added
		}
		if len(forms) == 0 {
			ts.Fatalf("%s says nothing of %s", file, verb)
		}
		for l := range strings.SplitSeq(out, "\n") {
			var v map[string]any
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				ts.Fatalf("no JSON object: %q: %v", l, err)
			}
			missing, fits := "", false
			for _, s := range forms {
				var found []string
				lacks := s.lacks(v, verb, func(field string) { found = append(found, field) })
				if lacks == "" {
					fits = true
					f.add(found)
				} else if missing == "" {
					missing = lacks
				}
			}
			if !fits {
				ts.Fatalf("%s promises %s, and it isn't in %s", file, missing, l)
			}
		}
	}
}

// needRouters are objects that are there only behind a router, and the relay of a relayed
// connection: internal/natlab's tests have them.
var needRouters = regexp.MustCompile(`\.via$|^netcheck\.(relays|hole_punching|nat\.observed|port_mapping\.mapped)\.`)

// checkAll fails t when a field that the documents name was in no object that a script looked at,
// unless only some scripts ran.
func (f *fieldsSeen) checkAll(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if f.scripts < len(files) || t.Failed() {
		return
	}
	for _, file := range documents {
		for verb, forms := range shapes(readText(t, file)) {
			for _, s := range forms {
				s.all(verb, func(field string) {
					if !f.fields[field] && !needRouters.MatchString(field) {
						t.Errorf("%s names %s, and no script has seen it", file, field)
					}
				})
			}
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	s := shapes("## JSON\n\n    ls      {\"name\",\"copies\"}     one a file\n" +
		"    stat    as ls, and {\"w\",\"holders\":[{\"id\",\"role\":\"owner|backup\",\"ok\":bool}],\"siblings\":[...],\n" +
		"             \"others\":[as holders, without ok, and {\"has\":\"a|b\"}],\"x\",\"y\": each \"a|b\",\"file\":as ls|null,\"z\"}\n" +
		"    status  {\"state\":\"a|b\",\"addrs\":[...],\n             \"pre\":{...}|null,\"net\":{\"n\":N},\"nets\":[{...}],\"last\"}\n" +
		"    config  check: {\"file\"}; show: {\"flag\",\"value\"}   one a setting\n\n## Words\n    no {\"x\"}\n")
	var fields []string
	for verb, forms := range s {
		for i, f := range forms {
			f.all(fmt.Sprint(verb, i), func(field string) { fields = append(fields, field) })
		}
	}
	slices.Sort(fields)
	want := "config0.file config1.flag config1.value ls0.copies ls0.name stat0.copies stat0.file stat0.file.copies stat0.file.name " +
		"stat0.holders stat0.holders.id stat0.holders.ok stat0.holders.role stat0.name stat0.others stat0.others.has stat0.others.id stat0.others.role " +
		"stat0.siblings stat0.w stat0.x stat0.y stat0.z status0.addrs status0.last status0.net status0.net.n status0.nets status0.nets.n status0.pre status0.state"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	const rest = `"siblings":[],"others":[],"x":1,"y":1,"z":1`
	for text, want := range map[string]string{
		`{"name":"a","copies":1,"w":"","holders":[],"file":null,` + rest + `}`:                          "",
		`{"name":"a","copies":1,"w":"","holders":[{"id":1,"role":"","ok":1}],"file":null,` + rest + `}`: "",
		`{"name":"a","copies":1,"w":"","holders":[{"id":1,"ok":1}],"file":null,` + rest + `}`:           "stat.holders.role",
		`{"copies":1,"w":"","holders":[],"file":null,` + rest + `}`:                                     "stat.name",
		`{"name":"a","copies":1,"w":"","holders":"none","file":null,` + rest + `}`:                      "stat.holders",
		`{"name":"a","copies":1,"w":"","holders":[],"file":{"name":"a"},` + rest + `}`:                  "stat.file.copies",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := s["stat"][0].lacks(v, "stat", func(string) {}); got != want {
			t.Errorf("%s: lacks %q, want %q", text, got, want)
		}
	}
	doc := map[string]bool{}
	for verb, forms := range shapes(readText(t, documents[1])) {
		for _, f := range forms {
			f.all(verb, func(field string) { doc[field] = true })
		}
	}
	for verb, forms := range shapes(readText(t, documents[0])) {
		for _, f := range forms {
			f.all(verb, func(field string) {
				if !doc[field] {
					t.Errorf("docs/cli.md has forgotten %s", field)
				}
			})
		}
	}
}
