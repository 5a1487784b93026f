package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// errUnreadableHome says that HOME is another user's, as with sudo -u, and that its config file
// can't be read. Those settings were never this user's, so commands continue without them.
type errUnreadableHome struct{ path string }

func (e errUnreadableHome) Error() string {
	return fmt.Sprintf("the settings in %s can't be read and are ignored, because HOME is another user's: set HOME, or give --config FILE", e.path)
}

// flagKey is a key of the file: table is "" at its top level.
type flagKey struct{ table, flag string }

// entry is the value of a key.
type entry struct {
	values []string
	at     string // FILE:LINE
}

// maxConfig is the size limit of a config file in bytes.
const maxConfig = 1 << 20

// readAtMost reads up to n+1 bytes of a file.
func readAtMost(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, n+1))
}

// readConfig reads the config file. It refuses a key that no command of root has a flag for, and
// names its line and the nearest flag.
func readConfig(path string, root *cobra.Command) (map[flagKey]entry, error) {
	asked := path != ""
	if !asked {
		path = DefaultConfig()
	}
	if path == "" {
		return nil, nil
	}
	src, err := readAtMost(path, maxConfig)
	switch {
	case !asked && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)):
		return nil, nil
	case !asked && errors.Is(err, fs.ErrPermission) && homeOfAnotherUser():
		return nil, errUnreadableHome{path}
	case !asked && errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Usage, "can't read the config file %s: %w: change its permissions, or give another one with --config FILE", path, fault.Reason(err))
	case fault.OutOfFiles(err):
		return nil, fault.New(fault.NoSpace, "can't read the config file: %w", err)
	case err != nil:
		return nil, fault.New(fault.Usage, "can't read the config file: %w", err)
	}
	if len(src) > maxConfig {
		return nil, fault.New(fault.Usage, "%s is not a config file: it has more than %s", path, textfmt.Size(maxConfig))
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // a byte order mark, as some editors write it
	var tree map[string]any
	if err := toml.Unmarshal(src, &tree); err != nil {
		var parse *toml.DecodeError
		text := strings.TrimPrefix(err.Error(), "toml: ")
		if errors.As(err, &parse) {
			line, _ := parse.Position()
			return nil, fault.New(fault.Usage, "%s:%d: %s", path, line, text)
		}
		return nil, fault.New(fault.Usage, "%s: %s", path, text)
	}
	known, tables := knownKeys(root)
	c := &reader{path: path, lines: keyLines(src), known: known, entries: map[flagKey]entry{}}
	for key, v := range tree {
		sub, isTable := v.(map[string]any)
		if !isTable {
			c.add("", key, v)
			continue
		}
		if !slices.Contains(tables, key) {
			c.refuse("", key, fmt.Sprintf("there is no command %q%s", key, textfmt.DidYouMean(key, tables)))
			continue
		}
		for k, v := range sub {
			c.add(key, k, v)
		}
	}
	if len(c.problems) > 0 {
		slices.SortFunc(c.problems, func(a, b problem) int { return a.line - b.line })
		return nil, fault.New(fault.Usage, "%s:%d: %s", path, c.problems[0].line, c.problems[0].text)
	}
	return c.entries, nil
}

// knownKeys lists the flags of each table; the table "" has those of all.
func knownKeys(root *cobra.Command) (known map[string][]string, tables []string) {
	known = map[string][]string{}
	for _, c := range root.Commands() {
		tables = append(tables, c.Name())
		add := func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "config" {
				return
			}
			known[c.Name()] = append(known[c.Name()], f.Name)
			known[""] = append(known[""], f.Name)
		}
		c.LocalFlags().VisitAll(add)
		c.InheritedFlags().VisitAll(add)
	}
	return known, tables
}

// problem is a mistake in a line.
type problem struct {
	line int
	text string
}

// reader collects the entries and the problems of a config file.
type reader struct {
	path     string
	lines    map[flagKey]int
	known    map[string][]string
	entries  map[flagKey]entry
	problems []problem
}

func (c *reader) add(table, key string, v any) {
	if !slices.Contains(c.known[table], key) {
		c.refuse(table, key, fmt.Sprintf("unknown key %q%s", key, textfmt.DidYouMean(key, c.known[table])))
		return
	}
	e := entry{at: fmt.Sprintf("%s:%d", c.path, c.lines[flagKey{table, key}])}
	values, list := v.([]any)
	if !list {
		values = []any{v}
	}
	for _, v := range values {
		if _, isTable := v.(map[string]any); isTable {
			c.refuse(table, key, fmt.Sprintf("%q takes a value, not a table", key))
			return
		}
		e.values = append(e.values, fmt.Sprint(v))
	}
	c.entries[flagKey{table, key}] = e
}

func (c *reader) refuse(table, key, text string) {
	c.problems = append(c.problems, problem{c.lines[flagKey{table, key}], text})
}
