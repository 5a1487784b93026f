package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/settings"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
)

// For every flag of every command: the command line goes over the environment, that over the
// command's table of the config file, that over the top of the file, that over the default.
func TestWhereASettingComesFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	checked := 0
	for _, c := range testRoot().Commands() {
		if c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		c.InheritedFlags() // adds them to Flags
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" || f.Name == "config" {
				return
			}
			checked++
			v := samplesOf(f)
			file := filepath.Join(dir, c.Name()+"-"+f.Name+".toml")
			var text string
			for i, table := range []string{"", "[" + c.Name() + "]\n"} {
				text += table + f.Name + " = " + inTOML(f, v[i]) + "\n"
			}
			top, _, _ := strings.Cut(text, "[")
			if list(f) {
				top = f.Name + " = " + inTOML(f, v[0]) + "\n"
			}
			for _, step := range []struct {
				name, file, env string
				args            []string
				want            string
			}{
				{"the top of the file", top, "", nil, v[0]},
				{"the command's table", text, "", nil, v[1]},
				{"the environment", text, v[2], nil, v[2]},
				{"the command line", text, v[2], []string{"--" + f.Name + "=" + v[3]}, v[3]},
			} {
				if err := os.WriteFile(file, []byte(step.file), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := settle(t, c.Name(), f.Name, file, step.env, step.args); got != step.want {
					t.Errorf("--%s of %s: with %s it is %q, want %q", f.Name, c.Name(), step.name, got, step.want)
				}
			}
		})
	}
	if checked < 80 {
		t.Errorf("only %d flags were tried", checked)
	}
}

// settle completes a command's flags and returns the value of one.
func settle(t *testing.T, command, flag, file, env string, args []string) string {
	t.Helper()
	a := &app{out: console.New(os.Stdout, os.Stderr), config: file, lookupEnv: func(name string) (string, bool) {
		if env != "" && name == settings.EnvName(flag) {
			return env, true
		}
		return "", false
	}}
	var c *cobra.Command
	for _, sub := range a.root().Commands() {
		if sub.Name() == command {
			c = sub
		}
	}
	c.InheritedFlags()
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := a.complete(c); err != nil {
		t.Errorf("--%s of %s: %v", flag, command, err)
	}
	f := c.Flags().Lookup(flag)
	if l, ok := f.Value.(pflag.SliceValue); ok {
		return strings.Join(l.GetSlice(), ",")
	}
	return f.Value.String()
}

func list(f *pflag.Flag) bool {
	_, ok := f.Value.(pflag.SliceValue)
	return ok
}

// samplesOf returns four values of a flag, none the same as the one before it or as the default.
func samplesOf(f *pflag.Flag) []string {
	switch f.Value.Type() {
	case "duration":
		return []string{"41s", "42s", "43s", "44s"}
	case "int":
		return []string{"4", "5", "6", "7"}
	case "bool":
		if f.DefValue == "true" {
			return []string{"false", "true", "false", "true"}
		}
		return []string{"true", "false", "true", "false"}
	}
	return []string{"a", "b", "c", "d"}
}

func inTOML(f *pflag.Flag, v string) string {
	if list(f) {
		return `["` + v + `"]`
	}
	if slices.Contains([]string{"int", "bool"}, f.Value.Type()) {
		return v
	}
	return `"` + v + `"`
}

// Sizes and times are taken as people write them, in the file too.
func TestSettingsAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte("[node]\ncapacity = \"1.5T\"\nlimit-up = 4096\nwithin = \"90s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{"capacity": "1.5T", "limit-up": "4096", "within": "1m30s"} {
		if got := settle(t, "node", flag, file, "", nil); got != want {
			t.Errorf("%s: %q", flag, got)
		}
	}
	for text, want := range map[string]int64{"10GiB": 10 << 30, "1.5M": 1_500_000, "1.5 MiB": 3 << 19, "4096": 4096, "2k": 2000, "1gb": 1_000_000_000, "0": 0} {
		if got, err := textfmt.ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
}
