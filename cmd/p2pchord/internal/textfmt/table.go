package textfmt

import (
	"io"
	"strings"
	"text/tabwriter"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

// Table aligns the columns of rows.
func Table(rows [][]string) *Page {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i := range r {
			cells[i] = safetext.Line(r[i]) // before their width is measured
		}
		// A strings.Builder takes everything.
		_, _ = io.WriteString(w, strings.Join(cells, "\t")+"\n")
	}
	_ = w.Flush()
	var out Page
	for l := range strings.Lines(b.String()) {
		out.Printf("%s\n", strings.TrimRight(l, " \n"))
	}
	return &out
}
