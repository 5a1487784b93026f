package main

import (
	"context"
	"os"
	"path"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/userfiles"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/localfile"
	"github.com/p2pchord/p2pchord/node"
)

type getFlags struct {
	output    string
	force     bool
	version   string
	fsync     bool
	recursive bool
}

func (a *app) getCommand() *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:   "get NAME[@VERSION] | get -r PREFIX",
		Short: "Fetch files",
		Long: `Fetch a file from the ring into the current folder, under the last part of its name.

The file appears only when all of it has arrived and been verified. A different file of that
name is not overwritten without --force; if an equal one is there already, nothing is done,
and the exit code is 0. "-o -" writes the bytes to stdout as they are verified. When the
transfer of a large file is interrupted, what has arrived stays in a hidden file beside it,
and the same command continues there.

The file gets the time of the one that was stored, and its permissions as far as the umask
allows. A file that --force replaces keeps its own permissions and owner.

NAME@VERSION fetches a sibling, as stat shows it. A version that was overwritten is not kept.
If a file has that whole name, that file is fetched.

With -r every file whose name begins with PREFIX is fetched ("" for all), under its whole name
below the folder -o, by default the current one. Files that can't be fetched are named, the
others arrive, and the exit code is 1. Links below the folder are not followed. Of names that
the disk treats as the same only one is fetched.`,
		Example: example(
			"p2pchord get holiday.jpg",
			"p2pchord get Pictures/2026/a.jpg -o /tmp/a.jpg --force",
			"p2pchord get backup/src.tar -o - | tar t",
			"p2pchord get -r Pictures/ -o /tmp",
		),
		Args: exactly(1, "one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := givenOutput(cmd, f); err != nil {
				return err
			}
			if f.recursive {
				return a.getMany(cmd, args[0], f)
			}
			return a.get(cmd, args[0], f)
		},
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to `FILE`, or into an existing folder; - is stdout (default ./BASENAME)")
	cmd.Flags().BoolVarP(&f.recursive, "recursive", "r", false, "fetch every file whose name begins with PREFIX")
	cmd.Flags().BoolVar(&f.fsync, "fsync", false, "make files durable before the command ends; slower")
	cmd.Flags().StringVar(&f.version, "version", "", "fetch this `version`, as stat shows it: the current one or a sibling")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace a different file that is there already")
	return cmd
}

// getResult is the contract's JSON of a get.
type getResult struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Hash string `json:"hash"`
	// StoredHash is that of an encrypted file, as its holders have it.
	StoredHash string   `json:"stored_hash,omitempty"`
	Version    string   `json:"version"`
	Sources    []string `json:"sources"`
}

// givenOutput refuses an empty -o, as from an unset variable of a script.
func givenOutput(cmd *cobra.Command, f getFlags) error {
	if f.output == "" && cmd.Flags().Changed("output") {
		return fault.New(fault.Usage, "--output is empty: give a file or folder, or leave it out")
	}
	return nil
}

func (a *app) get(cmd *cobra.Command, name string, f getFlags) error {
	if a.json && f.output == "-" {
		return fault.New(fault.Usage, "--json and -o - would both write to stdout: give only one of them")
	}
	if err := node.ValidName(name); err != nil {
		return err
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // what was fetched is verified already
	file, where, err := a.fetch(cmd.Context(), r, name, f)
	if err != nil {
		return fault.New(gateway.ProblemOf(err).Code, "can't get %s: %w", name, err)
	}
	a.out.EndProgress()
	a.showGet(file, where)
	return nil
}

func (a *app) showGet(file gateway.File, where string) {
	i := file.Info()
	switch {
	case a.json:
		a.out.Object(getResult{Name: i.Name, Size: i.Size, Hash: i.Hash, StoredHash: i.StoredHash, Version: i.Version, Sources: nonNil(file.Sources())})
	case where == "-":
	case len(file.Sources()) == 0 && i.Size > 0:
		a.out.Line("%s  %s, there already, hash %s", where, textfmt.Size(i.Size), i.Hash)
	default:
		a.out.Line("%s  %s, from %s, hash %s", where, textfmt.Size(i.Size), textfmt.Count(len(file.Sources()), "peer", "peers"), i.Hash)
	}
}

// fetch gets name and returns the file and where it was put.
func (a *app) fetch(ctx context.Context, r gateway.Ring, name string, f getFlags) (gateway.File, string, error) {
	a.out.StartProgress(name, -1, 1)
	file, name, err := openVersion(ctx, r, name, node.GetOptions{Version: f.version, Progress: a.out.ProgressOf(name)})
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = file.Close() }() // an error of its end has come through Read
	a.out.StartProgress(name, file.Info().Size, 1)
	if f.output == "-" {
		_, err := file.WriteTo(a.out.RawStdout())
		return file, "-", userfiles.WriteError("stdout", err)
	}
	session, want := localfile.NewSession(f.local()), userfiles.Want(file.Info())
	if f.output == "" {
		where := path.Base(name)
		t, err := session.Named(".", want)
		return file, where, userfiles.Save(ctx, file, t, err)
	}
	if st, err := os.Stat(f.output); err == nil && st.IsDir() {
		where := f.output + "/" + path.Base(name)
		t, err := session.Named(f.output, want)
		return file, where, userfiles.Save(ctx, file, t, err)
	}
	t, err := session.File(f.output, want)
	return file, f.output, userfiles.Save(ctx, file, t, err)
}

// local is how the flags have files written.
func (f getFlags) local() localfile.Options {
	return localfile.Options{Force: f.force, Sync: f.fsync}
}

// nonNil makes no list an empty one, for JSON.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// atVersion is NAME@VERSION, the version as stat shows it: a clock and a peer ID.
var atVersion = regexp.MustCompile(`^(.+)@([0-9a-f]{16}\.[1-9A-HJ-NP-Za-km-z]{20,})$`)

// openVersion opens the file called name. If there is none, and name is NAME@VERSION, it opens that
// version of NAME. So a file whose own name has an '@' can always be fetched. It returns the name
// without the version.
func openVersion(ctx context.Context, r gateway.Ring, name string, o node.GetOptions) (gateway.File, string, error) {
	file, err := r.Get(ctx, name, o)
	if parts := atVersion.FindStringSubmatch(name); fault.CodeOf(err) == fault.NotFound && o.Version == "" && parts != nil {
		name, o.Version = parts[1], parts[2]
		file, err = r.Get(ctx, name, o)
	}
	if fault.CodeOf(err) == fault.NotFound && o.Version != "" {
		err = fault.New(fault.NotFound, "no version %s of %q is kept: stat shows the versions that are", o.Version, name)
	}
	return file, name, err
}
