package ring

import (
	"fmt"
	"strings"
)

// trace tells how the state at was reached.
func (e *explorer) trace(at uint32) string {
	var lines []string
	for {
		g := e.seen[at]
		lines = append(lines, e.show(&g))
		if e.parent[at] == at || at == 0 {
			break
		}
		at = e.parent[at]
	}
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%3d %s\n", len(lines)-1-i, lines[i])
	}
	return b.String()
}

func (e *explorer) show(g *global) string {
	var b strings.Builder
	for i := range e.nodes {
		f := e.states[g.local[i]]
		switch {
		case g.local[i] == dead:
			fmt.Fprintf(&b, "%d dead; ", i)
			continue
		case !f.joined:
			fmt.Fprintf(&b, "%d out", i)
		default:
			fmt.Fprintf(&b, "%d succ %v pred %d", i, f.succs, f.pred)
		}
		if f.asks >= 0 {
			fmt.Fprintf(&b, " asks %d (kind %d)", f.asks, f.kind)
		}
		if a := g.answer[i]; a == answerBusy {
			b.WriteString(" gets busy")
		} else if a > 0 {
			fmt.Fprintf(&b, " gets %v", e.states[a-1].succs)
		}
		b.WriteString("; ")
	}
	for from := range e.nodes {
		for to := range e.nodes {
			if g.notifies&notifyBit(from, to) != 0 {
				fmt.Fprintf(&b, "notify %d>%d ", from, to)
			}
		}
	}
	return b.String()
}
