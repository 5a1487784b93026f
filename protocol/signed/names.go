package signed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// ValidName returns nil when name may be a file's name, and otherwise an error of
// kind fault.Usage that says which rule it breaks: UTF-8, 1 to 1024 bytes, relative,
// '/' between parts; no empty part, '.', '..', NUL or control character. Names are
// compared as bytes: no normalization takes place.
func ValidName(name string) error {
	switch {
	case name == "":
		return fault.New(fault.Usage, "the file name is empty")
	case len(name) > MaxName:
		return fault.New(fault.Usage, "the file name is too long: %d bytes of at most %d", len(name), MaxName)
	case !utf8.ValidString(name):
		return fault.New(fault.Usage, "the file name %q is not UTF-8", name)
	case name[0] == '/':
		return fault.New(fault.Usage, "the file name %q begins with '/': names are relative", name)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fault.New(fault.Usage, "the file name %q has a control character (%U)", name, r)
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "":
			return fault.New(fault.Usage, "the file name %q has an empty part: take out the '/' too many", name)
		case ".", "..":
			return fault.New(fault.Usage, "the file name %q has the part %q", name, part)
		}
	}
	return nil
}
