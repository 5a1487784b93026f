package main

import (
	"context"
	"errors"
	"os"
	"path"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

type getFlags struct {
	output  string
	force   bool
	version string
}

func (a *app) getCommand() *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:   "get NAME[@VERSION]",
		Short: "Fetch a file",
		Long: `Fetch a file from the ring into the present folder, under the last part of its name.

The file appears, whole, when all of it has arrived and been verified, and never
in part. A different file that is there already is not overwritten without --force;
an equal one is left as it is, and that is success. "-o -" writes the bytes to stdout
as they are verified.

NAME@VERSION fetches a sibling or another version that is still kept, as stat shows it;
a file whose own name ends so is fetched first.`,
		Example: example(
			"p2pchord get holiday.jpg",
			"p2pchord get Pictures/2026/a.jpg -o /tmp/a.jpg --force",
			"p2pchord get backup/src.tar -o - | tar t",
		),
		Args: exactly(1, "one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.get(cmd, args[0], f) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to `FILE`, into an existing folder, or - for stdout (default ./BASENAME)")
	cmd.Flags().StringVar(&f.version, "version", "", "a `version` that stat names: the current one or a sibling")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace a different file that is there already")
	return cmd
}

// getResult is the contract's JSON of a get.
type getResult struct {
	Name    string   `json:"name"`
	Size    int64    `json:"size"`
	Hash    string   `json:"hash"`
	Version string   `json:"version"`
	Sources []string `json:"sources"`
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
	a.out.endProgress()
	i := file.Info()
	switch {
	case a.json:
		a.out.object(getResult{Name: i.Name, Size: i.Size, Hash: i.Hash, Version: i.Version, Sources: nonNil(file.Sources())})
	case where == "-":
	case len(file.Sources()) == 0 && i.Size > 0:
		a.out.line("%s  %s, there already, hash %s", where, size(i.Size), i.Hash)
	default:
		a.out.line("%s  %s, from %s, hash %s", where, size(i.Size), count(len(file.Sources()), "peer", "peers"), i.Hash)
	}
	return nil
}

// fetch gets name and returns the file and where it was put.
func (a *app) fetch(ctx context.Context, r gateway.Ring, name string, f getFlags) (gateway.File, string, error) {
	a.out.startProgress(name, -1, 1)
	file, name, err := openVersion(ctx, r, name, node.GetOptions{Version: f.version, Progress: a.out.progressOf(name)})
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = file.Close() }() // an error of its end has come through Read
	a.out.startProgress(name, file.Info().Size, 1)
	if f.output == "-" {
		_, err := file.WriteTo(a.out.stdout)
		return file, "-", localWrite("stdout", err)
	}
	where := f.output
	if where == "" {
		where = path.Base(name)
	} else if st, err := os.Stat(where); err == nil && st.IsDir() {
		where += "/" + path.Base(name)
	}
	t, err := openTarget(where, file.Info(), f.force)
	if errors.Is(err, errEqual) {
		return file, where, nil
	}
	if err != nil {
		return nil, "", err
	}
	defer t.abandon()
	if _, err := file.WriteTo(t.file); err != nil {
		return nil, "", localWrite(where, err)
	}
	return file, where, t.commit()
}

// nonNil makes no list an empty one, for JSON.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
