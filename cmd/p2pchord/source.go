package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/datafolder"
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
	mode     node.Mode
	below    bool // found in a folder that was named, not named itself
}

// sourceList is what the arguments of a put stand for.
type sourceList struct {
	sources []source
	// refused says of each file or folder below an argument why it can't be stored. It doesn't
	// stop the others.
	refused []error
}

// sources lists what the arguments of a put stand for. Every name is checked here, before
// anything is sent. An argument that can't be stored stops all; all bad names are told together.
func (a *app) sources(args []string, f putFlags) (sourceList, error) {
	if f.name != "" && len(args) > 1 {
		return sourceList{}, fault.New(fault.Usage, "--name is for one FILE: there are %d", len(args))
	}
	var all sourceList
	var bad []error
	for _, arg := range args {
		some, err := a.sourcesOf(arg, f)
		if err != nil {
			return sourceList{}, err
		}
		all.refused = append(all.refused, some.refused...)
		for _, s := range some.sources {
			err := node.ValidName(s.name)
			if err == nil {
				all.sources = append(all.sources, s)
				continue
			}
			err = fault.New(fault.Usage, "can't put %s: %w", s.path, err)
			if s.below {
				all.refused = append(all.refused, err)
			} else {
				bad = append(bad, err)
			}
		}
	}
	if len(bad) > 0 {
		return sourceList{}, a.showAll(append(bad, all.refused...))
	}
	paths := map[string]string{}
	for _, s := range all.sources {
		if other, twice := paths[s.name]; twice {
			return sourceList{}, fault.New(fault.Usage, "%s and %s would both be stored as %q: put one of them with --name", other, s.path, s.name)
		}
		paths[s.name] = s.path
	}
	return all, nil
}

// showAll shows each error and returns the first one's kind as that of the verb.
func (a *app) showAll(list []error) error {
	for _, err := range list {
		a.out.Failure(err)
	}
	return errReported{gateway.ProblemOf(list[0]).Code}
}

func (a *app) sourcesOf(arg string, f putFlags) (sourceList, error) {
	if arg == "-" {
		if a.peer != nil {
			return sourceList{}, fault.New(fault.Usage, "stdin is the prompt's own: put a file")
		}
		if f.name == "" {
			return sourceList{}, fault.New(fault.Usage, "what comes on stdin has no name: give --name NAME")
		}
		return sourceList{sources: []source{{path: "-", name: f.name, size: node.SizeUnknown, modified: time.Now()}}}, nil
	}
	st, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return sourceList{}, fault.New(fault.NotFound, "can't put %s: there is no such file on this machine", arg)
	}
	if err != nil {
		return sourceList{}, fault.New(fault.Failed, "can't put %s: %w", arg, fault.Reason(err))
	}
	if err := inDataFolder(arg, f.force); err != nil {
		return sourceList{}, err
	}
	name := f.name
	if name == "" {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return sourceList{}, fault.New(fault.Failed, "can't put %s: %w", arg, err)
		}
		if name = filepath.Base(abs); name == string(filepath.Separator) {
			return sourceList{}, fault.New(fault.Usage, "%s has no name of its own: give one with --name NAME", arg)
		}
	}
	switch {
	case st.IsDir() && !f.recursive:
		return sourceList{}, fault.New(fault.Usage, "%s is a folder: give -r to store what is in it", arg)
	case st.IsDir():
		return a.folder(arg, name, f.force), nil
	case !st.Mode().IsRegular():
		return sourceList{}, fault.New(fault.Usage, "%s is no regular file: to store what can be read from it, give it on stdin: put - --name NAME < %s", arg, arg)
	}
	return sourceList{sources: []source{{path: arg, name: name, size: st.Size(), modified: st.ModTime(), mode: node.ModeOf(st)}}}, nil
}

// folder lists the regular files in dir, named from name on. What is neither a file nor a
// folder is skipped, and said so. What can't be read is refused by itself. With data also the
// contents of data folders of peers are listed, all but tokens.
func (a *app) folder(dir, name string, data bool) sourceList {
	var all sourceList
	refuse := func(what, path string, err error) {
		all.refused = append(all.refused, fault.New(fault.Failed, "can't read the %s %s: %w", what, path, fault.Reason(err)))
	}
	_ = filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it went while its folder was read
		case err != nil:
			refuse("folder", filepath.Clean(path), err)
			return nil
		case d.IsDir() && !data && datafolder.At(path):
			a.out.Warn("%s is the data folder of a peer: skipped with all that is in it; --force stores it, without its keys", filepath.Clean(path))
			return fs.SkipDir
		case d.IsDir():
			return nil
		case isToken(path):
			all.refused = append(all.refused, tokenRefused(path))
			return nil
		case !d.Type().IsRegular():
			a.out.Say("%s is no regular file: skipped", path)
			return nil
		}
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // as above
		}
		if err != nil {
			refuse("file", path, err)
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			refuse("file", path, err)
			return nil
		}
		all.sources = append(all.sources, source{
			path: path, name: name + "/" + filepath.ToSlash(rel), size: st.Size(), modified: st.ModTime(), mode: node.ModeOf(st), below: true,
		})
		return nil
	}) // the function returns no error but SkipDir
	if len(all.sources) == 0 && len(all.refused) == 0 {
		a.out.Say("there are no files in %s", dir)
	}
	return all
}

// open opens what the source stands for. What comes on stdin ends with ctx.
func (s source) open(ctx context.Context, stdin io.Reader) (io.ReadCloser, error) {
	if s.path == "-" {
		return endsWith(ctx, stdin), nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fault.Reason(err)
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
