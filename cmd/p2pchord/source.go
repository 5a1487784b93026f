package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
	"github.com/p2pchord/p2pchord/node"
)

// source is one thing to put.
type source struct {
	path     string // "-" is stdin
	name     string
	size     int64 // node.SizeUnknown for stdin
	modified time.Time
}

// sources lists what the arguments of a put stand for. Every name is checked here,
// before anything is sent.
func (a *app) sources(args []string, f putFlags) ([]source, error) {
	if f.name != "" && len(args) > 1 {
		return nil, fault.New(fault.Usage, "--name is for one FILE: there are %d", len(args))
	}
	var all []source
	for _, arg := range args {
		some, err := a.sourcesOf(arg, f)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	paths := map[string]string{}
	for _, s := range all {
		if err := node.ValidName(s.name); err != nil {
			return nil, fault.New(fault.Usage, "can't put %s: %w", s.path, err)
		}
		if other, twice := paths[s.name]; twice {
			return nil, fault.New(fault.Usage, "%s and %s would both be stored as %q: put one of them with --name", other, s.path, s.name)
		}
		paths[s.name] = s.path
	}
	return all, nil
}

func (a *app) sourcesOf(arg string, f putFlags) ([]source, error) {
	if arg == "-" {
		if a.peer != nil {
			return nil, fault.New(fault.Usage, "stdin is the prompt's own: put a file")
		}
		if f.name == "" {
			return nil, fault.New(fault.Usage, "what comes on stdin has no name: give --name NAME")
		}
		return []source{{path: "-", name: f.name, size: node.SizeUnknown, modified: time.Now()}}, nil
	}
	st, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "can't put %s: there is no such file on this machine", arg)
	}
	if err != nil {
		return nil, fault.New(fault.Failed, "can't put %s: %w", arg, reason(err))
	}
	name := f.name
	if name == "" {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return nil, fault.New(fault.Failed, "can't put %s: %w", arg, err)
		}
		name = filepath.Base(abs)
	}
	switch {
	case st.IsDir() && !f.recursive:
		return nil, fault.New(fault.Usage, "%s is a folder: give -r to store what is in it", arg)
	case st.IsDir():
		return a.folder(arg, name)
	case !st.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "%s is no regular file: to store what can be read from it, give it on stdin: put - --name NAME < %s", arg, arg)
	}
	return []source{{path: arg, name: name, size: st.Size(), modified: st.ModTime()}}, nil
}

// folder lists the regular files in dir, named from name on. What is neither a
// file nor a folder is skipped, and said so.
func (a *app) folder(dir, name string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			a.out.say("%s is no regular file: skipped", path)
			return nil
		}
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while the folder was read
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		all = append(all, source{path: path, name: name + "/" + filepath.ToSlash(rel), size: st.Size(), modified: st.ModTime()})
		return nil
	})
	if err != nil {
		return nil, fault.New(fault.Failed, "can't read the folder %s: %w", dir, err)
	}
	if len(all) == 0 {
		a.out.say("there are no files in %s", dir)
	}
	return all, nil
}

// open opens what the source stands for. What comes on stdin ends with ctx.
func (s source) open(ctx context.Context, stdin io.Reader) (io.ReadCloser, error) {
	if s.path == "-" {
		return endsWith(ctx, stdin), nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, reason(err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	in, err := steady.New(f, s.size, st.ModTime())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return in, nil
}

// endsWith returns what r gives, up to the end of ctx. A read of a stdin that gives nothing can't be interrupted: it goes on
// in the background, until something comes or the process ends.
func endsWith(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) }) // it never fails
	go func() {
		defer stop()
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err) // it never fails
	}()
	return out
}

// reason is why err happened, without the path that the caller names.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
