package console

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

// hostile is what another peer could call itself, or say.
const hostile = "a\x1b]0;title\x07\u009b31m\u202egpj\u200b\nNode Key: 1"

// A name in the progress line can't control the terminal.
func TestTheProgressLineIsSafe(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	out := New(&stderr, &stderr)
	m := &meter{title: hostile, total: 10, files: 1, waits: hostile, begun: time.Now(), done: map[string]int64{}}
	out.show, out.meter = true, m
	out.draw()
	shown := strings.ReplaceAll(stderr.String(), eraseLine, "")
	for _, r := range shown {
		if unicode.In(r, unicode.Cc, unicode.Cf) {
			t.Errorf("%U is shown", r)
		}
	}
	if !strings.Contains(shown, "title") {
		t.Errorf("nothing is shown: %q", shown)
	}
}

// JSON has the very characters, escaped.
func TestJSONIsExactAndSafe(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	out := New(&stdout, &stdout)
	out.Object(map[string]string{"name": hostile})
	if text := strings.TrimSuffix(stdout.String(), "\n"); strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
		t.Errorf("%q", text)
	}
	var back map[string]string
	if err := json.Unmarshal(stdout.Bytes(), &back); err != nil || back["name"] != hostile {
		t.Errorf("%q, %v", back, err)
	}
}

// A line that libp2p logs may have a stranger's text in it.
func TestLogsOnATerminalAreSafe(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	out := New(&bytes.Buffer{}, &stderr)
	out.Log(LogTargets{Stderr: true}, "ERROR\tfailed to dial /dns4/a\x1b[31m\u202e\n", true)
	if want := "ERROR failed to dial /dns4/a\\x1b[31m\\u202e\n"; stderr.String() != want {
		t.Errorf("%q, want %q", stderr.String(), want)
	}
}
