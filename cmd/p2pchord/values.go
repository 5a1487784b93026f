package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// flagWords puts an error of the command line's parser into words that say what would be right.
func flagWords(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, valueWords(invalid.GetFlag(), invalid.GetValue(), errors.Unwrap(invalid)))
	}
	return err
}

// valueWords says what is wrong with a flag's value, by its type, and how it is written.
func valueWords(f *pflag.Flag, value string, err error) error {
	switch f.Value.Type() {
	case "duration":
		return fmt.Errorf("%q is no time: write it like 90s, 5m or 1h30m", value)
	case "int":
		return fmt.Errorf("%q is no whole number: write it like 3", value)
	case "bool":
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return err
}
