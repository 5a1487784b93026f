package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// randomFile writes size bytes that depend on the seed. Equal bytes would not be sent twice.
func randomFile(path string, size int64, seed uint64) error {
	f, err := os.Create(path) //nolint:gosec // the bench's own
	if err != nil {
		return err
	}
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i)) //nolint:gosec // the bytes of the seed
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = io.CopyN(w, rand.NewChaCha8(key), size)
	return errors.Join(err, w.Flush(), f.Close())
}

// smallFiles fills a folder with count files.
func smallFiles(dir string, count, size int, seed uint64) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for i := range count {
		err := randomFile(filepath.Join(dir, fmt.Sprintf("%05d.bin", i)), int64(size), seed<<20+uint64(i)) //nolint:gosec // not negative
		if err != nil {
			return err
		}
	}
	return nil
}

// countFiles counts the files of the right size below dir.
func countFiles(dir string, size int) (int, error) {
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err == nil && st.Size() == int64(size) {
			n++
		}
		return err
	})
	return n, err
}

// diskTime is how long the disk takes to make one copy of a file durable: the lower bound for
// every tool that promises durability.
func diskTime(from, to string) (time.Duration, error) {
	in, err := os.Open(from) //nolint:gosec // the bench's own
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }() // it was opened for reading
	began := time.Now()
	out, err := os.Create(to) //nolint:gosec // the bench's own
	if err != nil {
		return 0, err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 4<<20))
	err = errors.Join(err, out.Sync(), out.Close())
	took := time.Since(began)
	return took, errors.Join(err, os.Remove(to))
}
