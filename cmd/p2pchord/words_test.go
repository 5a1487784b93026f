package main

import (
	"fmt"
	"strings"
	"testing"

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

func TestTheStatusForPeople(t *testing.T) {
	t.Parallel()
	s := node.Status{PeerID: "12D3KooWabcdefgh", Key: 7, State: "active", Ring: node.RingHealth{OK: true}}
	s.Successor = node.Member{PeerID: s.PeerID, Key: 7}
	got := statusText(s).Text() + "\n"
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
	got = statusText(s).Text() + "\n"
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
