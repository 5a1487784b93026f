package settings

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// FlagError rewrites an error of the command line's parser so that it says what would be right.
func FlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, valueError(invalid.GetFlag(), invalid.GetValue(), errors.Unwrap(invalid)))
	}
	return err
}

// valueError says why a flag doesn't take a value, and how such values are written.
func valueError(f *pflag.Flag, value string, err error) error {
	switch f.Value.Type() {
	case "duration":
		return fmt.Errorf("%q is not a time: write it like 90s, 5m, or 1h30m", value)
	case "int":
		return fmt.Errorf("%q is not a whole number: write it like 3", value)
	case "bool":
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return err
}
