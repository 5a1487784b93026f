package userfiles

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// Listing is what the arguments of a put stand for.
type Listing struct {
	Sources []Source
	// Refused says of each file or folder below an argument why it can't be stored. It doesn't
	// stop the others.
	Refused []error
}

// Options are those of a put.
type Options struct {
	Name      string // in the ring; "" for the base name
	Recursive bool   // take folders
	Force     bool   // take what is in the data folder of a peer
	NoStdin   bool   // "-" stands for nothing
	Messages  Messages
}

// Messages shows a user what is left out.
type Messages interface {
	Say(format string, args ...any)
	Warn(format string, args ...any)
}

// Errors are several errors, which a command shows one by one.
type Errors []error

// ListSources lists what the arguments of a put stand for. It checks every name. An argument that
// can't be stored stops all; bad names are returned together, as Errors.
func ListSources(args []string, o Options) (Listing, error) {
	if o.Name != "" && len(args) > 1 {
		return Listing{}, fault.New(fault.Usage, "--name is for one FILE: there are %d", len(args))
	}
	var all Listing
	var bad []error
	for _, arg := range args {
		some, err := sourcesOf(arg, o)
		if err != nil {
			return Listing{}, err
		}
		all.Refused = append(all.Refused, some.Refused...)
		for _, s := range some.Sources {
			err := node.ValidName(s.Name)
			if err == nil {
				all.Sources = append(all.Sources, s)
				continue
			}
			err = fault.New(fault.Usage, "can't put %s: %w", s.Path, err)
			if s.below {
				all.Refused = append(all.Refused, err)
			} else {
				bad = append(bad, err)
			}
		}
	}
	if len(bad) > 0 {
		return Listing{}, Errors(append(bad, all.Refused...))
	}
	paths := map[string]string{}
	for _, s := range all.Sources {
		if other, twice := paths[s.Name]; twice {
			return Listing{}, fault.New(fault.Usage, "%s and %s would both be stored as %q: put one of them with --name", other, s.Path, s.Name)
		}
		paths[s.Name] = s.Path
	}
	return all, nil
}

func sourcesOf(arg string, o Options) (Listing, error) {
	if arg == "-" {
		if o.NoStdin {
			return Listing{}, fault.New(fault.Usage, "stdin belongs to the prompt: put a file")
		}
		if o.Name == "" {
			return Listing{}, fault.New(fault.Usage, "stdin has no name: give --name NAME")
		}
		return Listing{Sources: []Source{{Path: "-", Name: o.Name, Size: node.SizeUnknown, Modified: time.Now()}}}, nil
	}
	st, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return Listing{}, fault.New(fault.NotFound, "can't put %s: there is no such file on this machine", arg)
	}
	if err != nil {
		return Listing{}, fault.New(fault.Failed, "can't put %s: %w", arg, fault.Reason(err))
	}
	if err := refuseDataFolder(arg, o.Force); err != nil {
		return Listing{}, err
	}
	name := o.Name
	if name == "" {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return Listing{}, fault.New(fault.Failed, "can't put %s: %w", arg, err)
		}
		if name = filepath.Base(abs); name == string(filepath.Separator) {
			return Listing{}, fault.New(fault.Usage, "%s has no name of its own: give one with --name NAME", arg)
		}
	}
	switch {
	case st.IsDir() && !o.Recursive:
		return Listing{}, fault.New(fault.Usage, "%s is a folder: give -r to store what is in it", arg)
	case st.IsDir():
		return folder(arg, name, o), nil
	case !st.Mode().IsRegular():
		return Listing{}, fault.New(fault.Usage, "%s is not a regular file: to store what can be read from it, use stdin: put - --name NAME < %s", arg, arg)
	}
	return Listing{Sources: []Source{{Path: arg, Name: name, Size: st.Size(), Modified: st.ModTime(), Mode: node.ModeOf(st)}}}, nil
}

// folder lists the regular files in dir, named from name on. It skips what is neither a file nor a
// folder, with a message, and refuses what can't be read by itself. With Force it also lists the
// contents of data folders of peers, all but tokens.
func folder(dir, name string, o Options) Listing {
	var all Listing
	refuse := func(what, path string, err error) {
		all.Refused = append(all.Refused, fault.New(fault.Failed, "can't read the %s %s: %w", what, path, fault.Reason(err)))
	}
	_ = filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it went while its folder was read
		case err != nil:
			refuse("folder", filepath.Clean(path), err)
			return nil
		case d.IsDir() && !o.Force && datafolder.At(path):
			o.Messages.Warn("%s is the data folder of a peer: skipped with everything in it; --force stores it, without its keys", filepath.Clean(path))
			return fs.SkipDir
		case d.IsDir():
			return nil
		case isToken(path):
			all.Refused = append(all.Refused, tokenRefused(path))
			return nil
		case !d.Type().IsRegular():
			o.Messages.Say("%s is not a regular file: skipped", path)
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
		all.Sources = append(all.Sources, Source{
			Path: path, Name: name + "/" + filepath.ToSlash(rel), Size: st.Size(), Modified: st.ModTime(), Mode: node.ModeOf(st), below: true,
		})
		return nil
	}) // the function returns no error but SkipDir
	if len(all.Sources) == 0 && len(all.Refused) == 0 {
		o.Messages.Say("there are no files in %s", dir)
	}
	return all
}
