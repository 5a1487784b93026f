// Package safetext makes text from strangers safe to display. Names, addresses, and messages come
// from other peers. A terminal obeys control characters in them, and bidirectional and invisible
// characters make one name look like another.
package safetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s on one line: line breaks and tabs become blanks, and every other character that
// controls the terminal, or hides or reorders text, becomes its escape in Go's form, such as \x1b
// or \u202e. Invalid UTF-8 becomes U+FFFD.
func Line(s string) string {
	if !strings.ContainsFunc(s, unsafe) {
		return s
	}
	var b strings.Builder
	for _, r := range s { // U+FFFD for a byte that is not UTF-8
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case unsafe(r) && r != utf8.RuneError:
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Text is Line for text of several lines: line breaks stay.
func Text(s string) string {
	if !strings.ContainsFunc(s, unsafe) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Line(lines[i])
	}
	return strings.Join(lines, "\n")
}

// JSON returns JSON text in which those characters are escaped, and which means the same.
func JSON(s string) string {
	end := len(strings.TrimRight(s, "\n"))
	if !strings.ContainsFunc(s[:end], unsafe) {
		return s
	}
	var b strings.Builder
	for _, r := range s[:end] {
		// JSON has none below ' ' but between its values
		if unsafe(r) && r >= ' ' && r != utf8.RuneError {
			writeUTF16(&b, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String() + s[end:]
}

// Safe reports whether Line would return s as it is.
func Safe(s string) bool { return !strings.ContainsFunc(s, unsafe) }

// unsafe reports whether a character is not shown as itself: controls, format characters (among
// them the bidirectional and the zero-width ones), line and paragraph separators, and characters
// without a glyph.
func unsafe(r rune) bool {
	switch {
	case r < 0x7f:
		return r < ' '
	case r == utf8.RuneError:
		return true // perhaps a byte that is not UTF-8
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.Is(unicode.Variation_Selector, r) && r != emojiPresentation
}

// emojiPresentation asks for the colored form of the symbol before it. It is common in names from
// phones.
const emojiPresentation = 0xfe0f

const hex = "0123456789abcdef"

// escape is a character in Go's form.
func escape(r rune) string {
	digits, prefix := 2, `\x`
	switch {
	case r > 0xffff:
		digits, prefix = 8, `\U`
	case r > 0xff:
		digits, prefix = 4, `\u`
	}
	return prefix + digitsOf(r, digits)
}

func digitsOf(r rune, n int) string {
	b := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		b[i] = hex[r&0xf]
		r >>= 4
	}
	return string(b)
}
