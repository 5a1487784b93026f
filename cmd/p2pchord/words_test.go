package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/node"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		``:                     `[]`,
		"  \t ":                `[]`,
		`ls`:                   `["ls"]`,
		` put  a b `:           `["put" "a" "b"]`,
		`get 'a b' "c d"`:      `["get" "a b" "c d"]`,
		`get a\ b`:             `["get" "a b"]`,
		`get "a\"b" 'a\b'`:     `["get" "a\"b" "a\\b"]`,
		`get '' x`:             `["get" "" "x"]`,
		`get a'b c'd`:          `["get" "ab cd"]`,
		`get 日本/語`:             `["get" "日本/語"]`,
		`get "it's"`:           `["get" "it's"]`,
		`get 'a`:               `error`,
		`get "a`:               `error`,
		`get a\`:               `error`,
		`lookup #1 --timeout=`: `["lookup" "#1" "--timeout="]`,
	} {
		got, err := splitWords(line)
		s := fmt.Sprintf("%q", got)
		if err != nil {
			s = "error"
		}
		if s != want {
			t.Errorf("%s: %s, want %s", line, s, want)
		}
	}
}

func FuzzWordsSurviveEscaping(f *testing.F) {
	for _, s := range []string{"", "a", "a b", `it's "so"`, `\`, "日 本", "\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s != strings.ToValidUTF8(s, "") {
			t.Skip("no text")
		}
		got, err := splitWords("get " + escapeWord(s) + " x")
		if err != nil || len(got) != 3 || got[1] != s {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
	})
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"10GiB": 10 << 30, "1.5M": 1_500_000, "4096": 4096, "1.5 MiB": 3 << 19, "100kB": 100_000, "0": 0, "2T": 2e12,
	} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "much", "-1", "1 parsec", "9999999E"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%s: %d, want an error", s, got)
		}
	}
	if size(0) != "0 B" || size(1536) != "1.5 KiB" || size(-1) != "0 B" {
		t.Errorf("%s, %s, %s", size(0), size(1536), size(-1))
	}
}

func TestTheProgressLine(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	one := &meter{title: "film.mkv", total: 100 << 20, files: 1, begun: begun, done: map[string]int64{"film.mkv": 25 << 20}, copies: 2, path: "relayed"}
	if got := one.text(begun.Add(5 * time.Second)); got != "film.mkv   25%  25 MiB of 100 MiB  5.0 MiB/s  15s left  relayed  2 copies" {
		t.Errorf("%q", got)
	}
	many := &meter{title: "put", total: 4 << 20, files: 9, count: 3, finished: 1 << 20, begun: begun, done: map[string]int64{"a": 1 << 19, "b": 1 << 19}}
	if got := many.text(begun.Add(100 * time.Millisecond)); got != "put  3 of 9 files   50%  2.0 MiB of 4.0 MiB" {
		t.Errorf("%q", got)
	}
	many.waits = "for the owner to be found"
	if got := many.text(begun.Add(5 * time.Second)); got != "put  3 of 9 files   50%  2.0 MiB of 4.0 MiB  waiting: for the owner to be found" {
		t.Errorf("%q", got)
	}
	unknown := &meter{title: "-", total: -1, files: 1, begun: begun, done: map[string]int64{"-": 1 << 20}}
	if got := unknown.text(begun.Add(2 * time.Second)); got != "-  1.0 MiB  512 KiB/s" {
		t.Errorf("%q", got)
	}
	if got := cut("日本語", 2); got != "日本" {
		t.Errorf("%q", got)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"timeout", "listen", "announce"}
	for key, want := range map[string]string{"tiemout": "timeout", "lisen": "listen", "anounce": "announce", "xyzzy": "", "": ""} {
		got := nearest(key, names)
		if want == "" && got != "" || want != "" && !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance %d", d)
	}
}

func TestTheStatusForPeople(t *testing.T) {
	t.Parallel()
	s := node.Status{PeerID: "12D3KooWabcdefgh", Key: 7, State: "active", Ring: node.RingHealth{OK: true}}
	s.Successor = node.Member{PeerID: s.PeerID, Key: 7}
	got := statusText(s).b.String()
	want := "Node Key: 7\nSuccessor: 7 (itself)\nPredecessor: none\nFiles: none\nBackup Files: none\nPeer ID: "
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "Ring: ok\n") {
		t.Errorf("alone:\n%s", got)
	}
	s.Successor = node.Member{PeerID: "12D3KooWsuccessor", Key: 9, RingAddress: "localhost:8002"}
	s.Predecessor = &node.Member{PeerID: "12D3KooWpredecessor", Key: 5}
	for i := range 10 {
		s.Files = append(s.Files, node.FileInfo{Name: fmt.Sprint("f", i), Size: 1 << 20})
	}
	s.Ring = node.RingHealth{Problems: []string{"something is off"}}
	got = statusText(s).b.String()
	want = "Node Key: 7\nSuccessor: 9 (localhost:8002, uccessor)\nPredecessor: 5 (decessor)\nFiles: 10 (10 MiB): f0, f1, f2, f3, f4, f5, f6, f7, and 2 more\nBackup Files: none\n"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "Ring: something is off\n") {
		t.Errorf("in a ring:\n%s", got)
	}
}

func TestCompletionTakesWholeRunes(t *testing.T) {
	t.Parallel()
	if got := commonPrefix([]string{"日本a", "日本b", "日木"}); got != "日" {
		t.Errorf("%q", got)
	}
	if got := commonPrefix([]string{"same"}); got != "same" {
		t.Errorf("%q", got)
	}
	for before, want := range map[string]string{`get a\ b`: `a\ b`, `get 'a b'`: `'a b'`, `get x`: `x`, `x`: `x`} {
		words, err := splitWords(before)
		if err != nil {
			t.Fatal(err)
		}
		if got := escapedTail(before, words[len(words)-1]); got != want {
			t.Errorf("%s: %q, want %q", before, got, want)
		}
	}
}
