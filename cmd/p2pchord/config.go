package main

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

// complete gives each flag that is not on the command line its value from the
// environment, else from the config file: the command's own table there, else the
// top of it.
func (a *app) complete(cmd *cobra.Command) error {
	if v, ok := a.lookupEnv(envName("config")); ok && v != "" && !cmd.Flags().Changed("config") {
		a.config = v
	}
	file, err := readConfig(a.config, cmd.Root())
	var others errOthersConfig
	if errors.As(err, &others) && !a.warnedConfig {
		a.warnedConfig = true // once in a process
		a.out.Warn("%v", others)
	}
	if err != nil && !errors.As(err, &others) {
		return err
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if failed != nil || f.Changed || f.Name == "config" || f.Name == "help" {
			return
		}
		from := func(where string) {
			if a.origins == nil {
				a.origins = map[string]string{}
			}
			a.origins[f.Name] = where
		}
		if v, ok := a.lookupEnv(envName(f.Name)); ok && v != "" {
			values := []string{v}
			if _, list := f.Value.(pflag.SliceValue); list {
				values = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
			}
			if err := setFlag(f, values); err != nil {
				failed = fault.New(fault.Usage, "%s=%q: %w", envName(f.Name), v, err)
			}
			from(envName(f.Name))
			return
		}
		for _, table := range []string{cmd.Name(), ""} {
			if e, ok := file[configKey{table, f.Name}]; ok {
				if err := setFlag(f, e.values); err != nil {
					failed = fault.New(fault.Usage, "%s: %s: %w", e.at, f.Name, err)
				}
				from(e.at)
				return
			}
		}
	})
	return failed
}

// envName is the environment variable of a flag.
func envName(flag string) string {
	return "P2PCHORD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func setFlag(f *pflag.Flag, values []string) error {
	f.Changed = true
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.Replace(values)
	}
	if len(values) != 1 {
		return errors.New("it takes one value, not a list")
	}
	if err := f.Value.Set(values[0]); err != nil {
		return valueWords(f, values[0], err)
	}
	return nil
}

// errOthersConfig says that the home folder is another user's, as with sudo -u, and what is in it can't be
// read. Its settings were never this user's, so a command goes on without.
type errOthersConfig struct{ path string }

func (e errOthersConfig) Error() string {
	return fmt.Sprintf("the settings in %s can't be read and don't count, for HOME is another user's: set HOME, or give --config FILE", e.path)
}

type configKey struct{ table, flag string }

type configEntry struct {
	values []string
	at     string // FILE:LINE
}

// maxConfig is how many bytes a config file has at most.
const maxConfig = 1 << 20

// readAtMost reads a file, but not much more than n bytes of it.
func readAtMost(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, n+1))
}

// readConfig reads the config file. Keys that no command of root has a flag for
// are refused, with the line and the nearest one that there is.
func readConfig(path string, root *cobra.Command) (map[configKey]configEntry, error) {
	asked := path != ""
	if !asked {
		path = defaultConfig()
	}
	if path == "" {
		return nil, nil
	}
	src, err := readAtMost(path, maxConfig)
	switch {
	case !asked && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)):
		return nil, nil
	case !asked && errors.Is(err, fs.ErrPermission) && homeIsAnothers():
		return nil, errOthersConfig{path}
	case !asked && errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Usage, "can't read the config file %s: %w: change its permissions, or give another one with --config FILE", path, fault.Reason(err))
	case fault.OutOfFiles(err):
		return nil, fault.New(fault.NoSpace, "can't read the config file: %w", err)
	case err != nil:
		return nil, fault.New(fault.Usage, "can't read the config file: %w", err)
	}
	if len(src) > maxConfig {
		return nil, fault.New(fault.Usage, "%s is no config file: it has more than %s", path, textfmt.Size(maxConfig))
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
	c := &configReader{path: path, lines: configLines(src), known: known, entries: map[configKey]configEntry{}}
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
		slices.SortFunc(c.problems, func(a, b configProblem) int { return a.line - b.line })
		return nil, fault.New(fault.Usage, "%s:%d: %s", path, c.problems[0].line, c.problems[0].text)
	}
	return c.entries, nil
}

// knownKeys lists the flags of each table; those of the table "" are all there are.
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

type configProblem struct {
	line int
	text string
}

type configReader struct {
	path     string
	lines    map[configKey]int
	known    map[string][]string
	entries  map[configKey]configEntry
	problems []configProblem
}

func (c *configReader) add(table, key string, v any) {
	if !slices.Contains(c.known[table], key) {
		c.refuse(table, key, fmt.Sprintf("unknown key %q%s", key, textfmt.DidYouMean(key, c.known[table])))
		return
	}
	e := configEntry{at: fmt.Sprintf("%s:%d", c.path, c.lines[configKey{table, key}])}
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
	c.entries[configKey{table, key}] = e
}

func (c *configReader) refuse(table, key, text string) {
	c.problems = append(c.problems, configProblem{c.lines[configKey{table, key}], text})
}
