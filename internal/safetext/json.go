package safetext

import (
	"strings"
	"unicode/utf16"
)

// writeUTF16 writes a character as JSON escapes it: one code unit of UTF-16, or two.
func writeUTF16(b *strings.Builder, r rune) {
	if high, low := utf16.EncodeRune(r); high != '\ufffd' {
		b.WriteString(`\u` + digitsOf(high, 4) + `\u` + digitsOf(low, 4))
		return
	}
	b.WriteString(`\u` + digitsOf(r, 4))
}
