package settings

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Completed says what Complete has found.
type Completed struct {
	File string // the config file; "" for the default one
	// Of each flag that is neither given nor its default: FILE:LINE or a variable.
	Origins map[string]string
	Warning error // why the config file doesn't count, if that is no failure
}

// Complete sets each flag of cmd that is not on the command line: from the environment, or else
// from the config file, whose table for the command comes before its top level.
func Complete(cmd *cobra.Command, file string, lookupEnv func(string) (string, bool)) (Completed, error) {
	c := Completed{File: file, Origins: map[string]string{}}
	if v, ok := lookupEnv(EnvName("config")); ok && v != "" && !cmd.Flags().Changed("config") {
		c.File = v
	}
	entries, err := readConfig(c.File, cmd.Root())
	var others errUnreadableHome
	if errors.As(err, &others) {
		c.Warning = others
	} else if err != nil {
		return c, err
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if failed != nil || f.Changed || f.Name == "config" || f.Name == "help" {
			return
		}
		if v, ok := lookupEnv(EnvName(f.Name)); ok && v != "" {
			values := []string{v}
			if _, list := f.Value.(pflag.SliceValue); list {
				values = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
			}
			if err := setFlag(f, values); err != nil {
				failed = fault.New(fault.Usage, "%s=%q: %w", EnvName(f.Name), v, err)
			}
			c.Origins[f.Name] = EnvName(f.Name)
			return
		}
		for _, table := range []string{cmd.Name(), ""} {
			if e, ok := entries[flagKey{table, f.Name}]; ok {
				if err := setFlag(f, e.values); err != nil {
					failed = fault.New(fault.Usage, "%s: %s: %w", e.at, f.Name, err)
				}
				c.Origins[f.Name] = e.at
				return
			}
		}
	})
	return c, failed
}

// EnvName is the environment variable of a flag.
func EnvName(flag string) string {
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
		return valueError(f, values[0], err)
	}
	return nil
}
