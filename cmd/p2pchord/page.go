package main

import (
	"fmt"
	"strings"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

// page is text of several lines. Only formats begin new lines: an argument that has line breaks in
// it, from another peer perhaps, can't add a line of its own.
type page struct{ b strings.Builder }

// printf appends text.
func (p *page) printf(format string, args ...any) {
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

// add appends another page.
func (p *page) add(other *page) { p.b.WriteString(other.b.String()) }

// text is the page without the last line's end.
func (p *page) text() string { return strings.TrimSuffix(p.b.String(), "\n") }
