package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// entry is one file of an archive.
type entry struct {
	name string // below the folder's own name, with slashes
	file string
	mode fs.FileMode // 0755 for programs and folders, else 0644
	size int64
}

// writeArchive packs dir, under its own name, into out. Names are in order, times are at,
// and nobody owns the files.
func writeArchive(dir, out string, at time.Time) (err error) {
	entries, err := listFolder(dir)
	if err != nil {
		return err
	}
	f, err := os.Create(out) //nolint:gosec // the script that makes a release says where
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	switch {
	case strings.HasSuffix(out, ".tar.gz"):
		return writeTar(f, entries, at)
	case strings.HasSuffix(out, ".zip"):
		return writeZip(f, entries, at)
	}
	return fmt.Errorf("%s: an archive ends with .tar.gz or .zip", out)
}

// listFolder returns the files of dir in the order of their names.
func listFolder(dir string) ([]entry, error) {
	base := filepath.Base(dir)
	var out []entry
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error { //nolint:gosec // as above
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", p)
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		out = append(out, entry{path.Join(base, filepath.ToSlash(rel)), p, mode, info.Size()})
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s has no files", dir)
	}
	return out, err
}

func writeTar(w io.Writer, entries []entry, at time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: e.size, Mode: int64(e.mode), ModTime: at, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if err := copyFile(t, e.file); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func writeZip(w io.Writer, entries []entry, at time.Time) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at}
		h.SetMode(e.mode)
		part, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if err := copyFile(part, e.file); err != nil {
			return err
		}
	}
	return z.Close()
}

func copyFile(w io.Writer, name string) error {
	f, err := os.Open(name) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}
