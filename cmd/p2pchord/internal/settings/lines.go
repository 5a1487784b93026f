package settings

import (
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// keyLines returns the line of each key of a config file. src must be valid TOML. A table counts as
// a key at the top level. An upgrade may change the parser's package "unstable". Nothing else in
// this parser, or in others, says where a key is.
func keyLines(src []byte) map[flagKey]int {
	lines := map[flagKey]int{}
	var p unstable.Parser
	p.Reset(src)
	// walk records the key of n, which stands in the table at path, and returns the key's own path.
	var walk func(path []string, n *unstable.Node) []string
	walk = func(path []string, n *unstable.Node) []string {
		path = slices.Clip(path)
		line := 0
		for key := n.Key(); key.Next(); {
			path = append(path, string(key.Node().Data))
			line = p.Shape(key.Node().Raw).Start.Line
		}
		at := []flagKey{{"", path[0]}}
		if len(path) > 1 {
			at = append(at, flagKey{path[0], path[1]})
		}
		for _, k := range at {
			if _, ok := lines[k]; !ok {
				lines[k] = line
			}
		}
		if n.Kind == unstable.KeyValue && n.Value().Kind == unstable.InlineTable {
			for sub := n.Value().Children(); sub.Next(); {
				walk(path, sub.Node())
			}
		}
		return path
	}
	var table []string
	for p.NextExpression() {
		switch n := p.Expression(); n.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = walk(nil, n)
		case unstable.KeyValue:
			walk(table, n)
		default: // comments
		}
	}
	return lines
}
