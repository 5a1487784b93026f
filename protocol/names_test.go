package protocol

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestValidName(t *testing.T) {
	t.Parallel()
	for _, name := range goodNames() {
		if err := ValidName(name); err != nil {
			t.Errorf("ValidName(%.40q) = %v", name, err)
		}
	}
	for name, word := range badNames() {
		err := ValidName(name)
		if err == nil {
			t.Errorf("ValidName(%.40q) is accepted", name)
			continue
		}
		wantCode(t, err, fault.Usage)
		if !strings.Contains(err.Error(), word) {
			t.Errorf("ValidName(%.40q) = %q, which doesn't say %q", name, err, word)
		}
		if strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("ValidName(%.40q): the words have control characters in them", name)
		}
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	// From an independent computation of MD5 mod 2^16.
	for _, c := range []struct {
		name  string
		index uint32
		key   uint16
	}{
		{"document.txt", 0, 20209},
		{"日本語.txt", 0, 23478},
		{"a", 1, 7722},
		{"a#1", 0, 7722},
	} {
		if got := Place(c.name, c.index); uint16(got) != c.key {
			t.Errorf("Place(%q, %d) = %d, want %d", c.name, c.index, got, c.key)
		}
	}
}

func TestRingAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		hashed string
		key    uint16
	}{
		"localhost:8001":   {"localhost8001", 58795},
		"localhost:8002":   {"localhost8002", 58740},
		"127.0.0.1:8001":   {"127.0.0.18001", 31103},
		"10.0.0.11:4001":   {"10.0.0.114001", 17858},
		"10.0.0.1:14001":   {"10.0.0.114001", 17858},
		"[::1]:8001":       {"::18001", 0},
		"[fe80::1%a]:443":  {"fe80::1%a443", 0},
		"bücher.example:1": {"bücher.example1", 0},
	} {
		a, err := ParseRingAddress(in)
		if err != nil {
			t.Errorf("ParseRingAddress(%q): %v", in, err)
			continue
		}
		if a.Hashed() != want.hashed || a.String() != in || want.key != 0 && uint16(a.Key()) != want.key {
			t.Errorf("ParseRingAddress(%q) hashes %q to %d and shows %q", in, a.Hashed(), a.Key(), a)
		}
	}
	if a, err := ParseRingAddress(""); err != nil || !a.IsZero() || a.String() != "" {
		t.Errorf("the empty ring address is %v, %v", a, err)
	}
	for _, in := range []string{
		"localhost", ":8001", "localhost:", "localhost:0", "localhost:65536", "localhost:08001", "localhost:+80", "localhost:80a",
		"::1:8001", "[::1:8001", "[localhost]:8001", "[]:8001", "a b:1", "a/b:1", "a\n:1", "\xff:1", "[[::1]]:1", "a]:1",
		strings.Repeat("x", 254) + ":1",
	} {
		a, err := ParseRingAddress(in)
		if err == nil {
			t.Errorf("ParseRingAddress(%.40q) = %v", in, a)
			continue
		}
		wantCode(t, err, fault.Usage)
	}
}

// The statuses in SPEC.md are those of internal/fault.
func TestSpecStatuses(t *testing.T) {
	t.Parallel()
	spec, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(spec)) {
		var status uint32
		var name string
		cells := strings.Split(line, "|")
		if len(cells) != 5 || json.Unmarshal([]byte(strings.TrimSpace(cells[1])), &status) != nil {
			continue
		}
		name = strings.Trim(strings.TrimSpace(cells[2]), "`")
		rows++
		if status == 0 {
			continue
		}
		if code := fault.FromWire(status); string(code) != name || fault.Parse(name).Wire() != status {
			t.Errorf("SPEC.md calls status %d %q, internal/fault %q", status, name, code)
		}
	}
	if rows != 16 {
		t.Errorf("SPEC.md lists %d statuses, want 0 to 15", rows)
	}
	if fault.FromWire(16) != fault.Failed {
		t.Error("internal/fault has more statuses than SPEC.md")
	}
}

// badNames are names that no file may have, and a word of the reason.
func badNames() map[string]string {
	return map[string]string{
		"":                        "empty",
		strings.Repeat("x", 1025): "too long",
		strings.Repeat("é", 513):  "1026 bytes",
		"a\xff":                   "UTF-8",
		"\xed\xa0\x80":            "UTF-8",
		"/etc/passwd":             "begins with '/'",
		"/":                       "begins with '/'",
		"a//b":                    "empty part",
		"a/":                      "empty part",
		".":                       `part "."`,
		"..":                      `part ".."`,
		"a/../b":                  `part ".."`,
		"a/.":                     `part "."`,
		"a\x00b":                  "control character (U+0000)",
		"a\nb":                    "control character (U+000A)",
		"a\x7f":                   "control character (U+007F)",
		"a\u0085b":                "control character (U+0085)",
	}
}

// goodNames are names that a file may have although one might doubt it. U+200B and U+2028 are no
// control characters.
func goodNames() []string {
	return []string{
		"a", "a b c.txt", "photos/2026/été.jpg", "日本語.txt", "#", "a#1", "-rf", "...", ".hidden", "a/.b", "a..b",
		"a\\b", " ", "~", "a\u200bb", "a\u2028b", strings.Repeat("x", 1024), strings.Repeat("é", 512), "a/" + strings.Repeat("b/", 500) + "c",
	}
}
