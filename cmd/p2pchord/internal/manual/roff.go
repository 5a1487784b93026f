package manual

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// page is a page that is being written, in the language of man(7).
type page struct{ bytes.Buffer }

// line writes a line. A buffer takes everything.
func (m *page) line(format string, args ...any) { _, _ = fmt.Fprintf(m, format+"\n", args...) }

func (m *page) section(title string) { m.line(".SH %s", title) }

// text writes text that is filled.
func (m *page) text(s string) { m.line("%s", Roff(s)) }

// paragraphs writes a help text, whose paragraphs are separated by empty lines.
func (m *page) paragraphs(s string) {
	for i, p := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			m.line(".PP")
		}
		m.text(p)
	}
}

// tagged writes a term and, indented, its meaning.
func (m *page) tagged(term, meaning string) {
	m.line(".TP\n.B %s", Roff(term))
	m.text(meaning)
}

// flags writes a section of options, if there are any.
func (m *page) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	m.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		what, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if what != "" {
			name += " " + what
		}
		switch f.DefValue {
		case "", "false", "[]", "0":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		m.tagged(name, usage)
	})
}

// seeAlso names the related pages.
func (m *page) seeAlso(c *cobra.Command) {
	var pages []string
	if c.HasParent() {
		pages = append(pages, Name(c.Parent())+"(1)")
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			pages = append(pages, Name(sub)+"(1)")
		}
	}
	if len(pages) == 0 {
		return
	}
	m.section("SEE ALSO")
	m.text(strings.Join(pages, ", "))
}

// Roff writes text so that nothing in it is a request: backslashes and dashes stand
// for themselves, and no line begins with a control character.
func Roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
