package safetext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                                "",
		"plain name.txt":                  "plain name.txt",
		"日本/語 é ﷽ 👩 ❤\ufe0f":              "日本/語 é ﷽ 👩 ❤\ufe0f",
		"a\nb\tc\r":                       "a b c ",
		"\x1b]0;title\x07\x1b[31mred\x7f": `\x1b]0;title\x07\x1b[31mred\x7f`,
		"\u009b31m":                       `\x9b31m`,
		"photo\u202egpj.exe":              `photo\u202egpj.exe`,
		"a\u2066b\u2069\u200e\u061c":      `a\u2066b\u2069\u200e\u061c`,
		"a\u200bb\u200dc\u2060d\ufeff":    `a\u200bb\u200dc\u2060d\ufeff`,
		"soft\u00adhyphen":                `soft\xadhyphen`,
		"line\u2028paragraph\u2029":       `line\u2028paragraph\u2029`,
		"tag\U000e0041":                   `tag\U000e0041`,
		"filler\u3164":                    `filler\u3164`,
		"caf\xe9":                         "caf\ufffd",
	} {
		if got := safetext.Line(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if got := safetext.Text("a\x1b\nb\x1b\n"); got != "a\\x1b\nb\\x1b\n" {
		t.Errorf("Text: %q", got)
	}
}

// Of all characters, none that controls, hides or reorders comes through, and JSON means the same.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		s := "a" + string(r) + "b"
		unwanted := func(r rune) bool {
			return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Join_Control)
		}
		if got := safetext.Line(s); strings.ContainsFunc(got, unwanted) {
			t.Errorf("Line lets %U through: %q", r, got)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		text := safetext.JSON(string(b) + "\n")
		if strings.ContainsFunc(strings.TrimSuffix(text, "\n"), unwanted) {
			t.Errorf("JSON lets %U through: %q", r, text)
		}
		var back string
		if err := json.Unmarshal([]byte(text), &back); err != nil || back != s {
			t.Errorf("%U came back as %q, %v", r, back, err)
		}
	}
}
