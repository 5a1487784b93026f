package prompt

import (
	"errors"
	"path/filepath"
	"strings"
)

// SplitWords splits a line as a shell does: blanks separate words; quotes and a backslash keep
// blanks in them.
func SplitWords(line string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		in    bool // in a word
		quote rune // the quote that is open, or 0
		esc   bool // after a backslash
	)
	for _, r := range line {
		switch {
		case esc:
			word.WriteRune(r)
			esc = false
		case r == '\\' && quote != '\'' && filepath.Separator != '\\':
			esc, in = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t':
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if quote != 0 || esc {
		return nil, errors.New("a quote is not closed, or a backslash ends the line")
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}

// escapeWord quotes a word so that SplitWords reads it as one.
func escapeWord(w string) string {
	if w == "" {
		return "''"
	}
	var b strings.Builder
	for _, r := range w {
		if strings.ContainsRune(" \t'\"\\", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
