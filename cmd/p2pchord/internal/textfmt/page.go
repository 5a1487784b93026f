package textfmt

import (
	"fmt"
	"strings"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

// Page is text of several lines. Only formats begin new lines: line breaks in an argument, which
// may come from another peer, are escaped.
type Page struct{ b strings.Builder }

// Printf appends text.
func (p *Page) Printf(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = safetext.Line(a)
		case error:
			args[i] = safetext.Line(a.Error())
		case fmt.Stringer:
			args[i] = safetext.Line(a.String())
		}
	}
	fmt.Fprintf(&p.b, format, args...)
}

// Add appends another page.
func (p *Page) Add(other *Page) { p.b.WriteString(other.b.String()) }

// Text returns the page without the last line break.
func (p *Page) Text() string { return strings.TrimSuffix(p.b.String(), "\n") }
