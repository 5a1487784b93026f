package main

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/userfiles"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/localfile"
	"github.com/p2pchord/p2pchord/node"
)

// getsAtOnce is how many files of one command are fetched at once.
const getsAtOnce = 16

// getMany fetches every file whose name begins with prefix.
func (a *app) getMany(cmd *cobra.Command, prefix string, f getFlags) error {
	switch {
	case f.output == "-":
		return fault.New(fault.Usage, "-r writes files, not stdout: give a folder with -o")
	case f.version != "":
		return fault.New(fault.Usage, "--version is for one file: leave -r out")
	case f.output == "":
		f.output = "."
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // what was fetched is verified already
	ctx := cmd.Context()
	files, err := listed(ctx, r, prefix)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fault.New(fault.NotFound, "no name in the ring begins with %q", prefix)
	}
	var total int64
	for _, i := range files {
		total += i.Size
	}
	a.out.StartProgress("get", total, len(files))
	defer a.out.EndProgress()
	return a.getAll(ctx, r, files, f)
}

func listed(ctx context.Context, r gateway.Ring, prefix string) ([]node.FileInfo, error) {
	var files []node.FileInfo
	for i, err := range r.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		files = append(files, i)
	}
	return files, nil
}

// getAll fetches each file. One that fails doesn't stop the others, unless no peer can be reached.
func (a *app) getAll(outer context.Context, r gateway.Ring, files []node.FileInfo, f getFlags) error {
	tree, err := localfile.NewSession(f.local()).OpenTree(f.output)
	if err != nil {
		return err
	}
	defer func() { _ = tree.Close() }() // every file in it has been committed or abandoned
	var mu sync.Mutex
	failed := 0
	g, ctx := errgroup.WithContext(outer)
	g.SetLimit(getsAtOnce)
	for _, i := range files {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			err := a.getInto(ctx, r, i, f, tree)
			if err == nil || ctx.Err() != nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			failed++
			a.out.Failure(fault.New(gateway.ProblemOf(err).Code, "can't get %s: %w", i.Name, err))
			if fault.CodeOf(err) == fault.Unreachable {
				return err // it would be the same for every other file
			}
			return nil
		})
	}
	_ = g.Wait() // its error has been shown
	switch {
	case outer.Err() != nil:
		return outer.Err()
	case failed > 0:
		return errReported{fault.Failed}
	}
	return nil
}

// getInto fetches one file to its name below the folder.
func (a *app) getInto(ctx context.Context, r gateway.Ring, i node.FileInfo, f getFlags, tree *localfile.Tree) error {
	if err := node.ValidName(i.Name); err != nil {
		return err
	}
	if err := localfile.CheckName(i.Name); err != nil {
		return err // before anything is requested
	}
	file, err := r.Get(ctx, i.Name, node.GetOptions{Progress: a.out.ProgressOf(i.Name)})
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // an error of its end has come through Save
	t, err := tree.File(userfiles.Want(file.Info()))
	if err := userfiles.Save(ctx, file, t, err); err != nil {
		return err
	}
	a.out.FinishFile(i.Name, i.Size)
	a.showGet(file, filepath.Join(f.output, filepath.FromSlash(i.Name)))
	return nil
}
