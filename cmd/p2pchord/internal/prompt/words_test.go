package prompt

import (
	"fmt"
	"strings"
	"testing"
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
		got, err := SplitWords(line)
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
		got, err := SplitWords("get " + escapeWord(s) + " x")
		if err != nil || len(got) != 3 || got[1] != s {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
	})
}
