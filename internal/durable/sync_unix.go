//go:build !windows

package durable

import (
	"errors"
	"os"
)

func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the caller's own folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
