package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/userfiles"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// putsAtOnce is how many files of one command are stored at once: enough for the owners to commit
// several together. putBytesAtOnce bounds their blocks in memory.
const putsAtOnce = 32

// putBytesAtOnce is how many bytes of those files may be in memory.
const putBytesAtOnce = 48 << 20

type putFlags struct {
	name      string
	copies    int
	wait      string
	recursive bool
	force     bool
}

func (a *app) putCommand() *cobra.Command {
	var f putFlags
	cmd := &cobra.Command{
		Use:   "put FILE|DIR|-...",
		Short: "Store files",
		Long: `Store files in the ring. A file's name there is its base name, or --name.

With -r the files in a folder are stored under their paths, which begin with the folder's
own name. If FILE is a symbolic link, its target is stored. Inside a folder, links and
special files are skipped. "-" reads stdin and needs --name.

All names are checked before anything is sent. Files and folders that can't be read, and
names that the ring doesn't accept, are each named; the rest of a folder is stored, and the
exit code isn't 0. A file that changes while it is read, or whose size is not the number of
its bytes, is not stored.

The data folders of peers are skipped and named. The private key of a peer is never stored.`,
		Example: example(
			"p2pchord put holiday.jpg notes.txt",
			"p2pchord put -r Pictures",
			"tar c src | p2pchord put - --name backup/src.tar --wait all",
		),
		Args: someArgs("at least one FILE, DIR or -"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.put(cmd, args, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "", "`name` of the file in the ring")
	fl.IntVar(&f.copies, "copies", 0, "`number` of copies, 1 to 8 (default the ring's, 3); with fewer the exit code is 9")
	fl.StringVar(&f.wait, "wait", "majority", "which copies to wait for: majority or all")
	fl.BoolVar(&f.force, "force", false, "also store what is in the data folder of a peer, but never its keys and its token")
	fl.BoolVarP(&f.recursive, "recursive", "r", false, "store folders with everything in them")
	return cmd
}

func (a *app) put(cmd *cobra.Command, args []string, f putFlags) error {
	if cmd.Flags().Changed("copies") && (f.copies < 1 || f.copies > 8) {
		return fault.New(fault.Usage, "--copies %d: it must be 1 to 8", f.copies)
	}
	if cmd.Flags().Changed("name") && f.name == "" {
		return fault.New(fault.Usage, "--name is empty: give the name of the file in the ring, or leave --name out")
	}
	if f.wait != "majority" && f.wait != "all" {
		return fault.New(fault.Usage, "--wait %s: it must be majority or all", f.wait)
	}
	list, err := userfiles.ListSources(args, userfiles.Options{Name: f.name, Recursive: f.recursive, Force: f.force, NoStdin: a.peer != nil, Messages: a.out})
	if err != nil {
		return a.showErrors(err)
	}
	sources := list.Sources
	if len(sources) == 0 && len(list.Refused) > 0 {
		return a.showAll(list.Refused)
	}
	r, err := a.openRing(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // what was stored has been acknowledged
	total := int64(0)
	for _, s := range sources {
		if total += s.Size; s.Size < 0 {
			total = -1
			break
		}
	}
	title := "put"
	if len(sources) == 1 {
		title = sources[0].Name
	}
	a.out.StartProgress(title, total, len(sources))
	defer a.out.EndProgress()
	var refused error
	if len(list.Refused) > 0 {
		refused = a.showAll(list.Refused)
	}
	return cmp.Or(a.putAll(cmd.Context(), r, sources, f), refused)
}

// putAll stores each source. One that fails doesn't stop the others, unless all would fail for the
// same reason. The kind of the first failure is that of the verb.
func (a *app) putAll(outer context.Context, r gateway.Ring, sources []userfiles.Source, f putFlags) error {
	var (
		mu    sync.Mutex
		first error
		few   tooFew
	)
	defer func() { few.report(a.out) }()
	g, ctx := errgroup.WithContext(outer)
	g.SetLimit(putsAtOnce)
	room := semaphore.NewWeighted(putBytesAtOnce)
	for _, s := range sources {
		weight := s.Memory()
		if room.Acquire(ctx, weight) != nil {
			break
		}
		g.Go(func() error {
			defer room.Release(weight)
			err := a.putOne(ctx, r, s, f, &few)
			if err == nil || outer.Err() != nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if first != nil && ctx.Err() != nil {
				return nil // ended by another's failure, which has been shown
			}
			if first == nil {
				first = err
			}
			a.out.Failure(err)
			if fault.CodeOf(err) == fault.Unreachable || errors.Is(err, context.Canceled) {
				return err // it would be the same for every other file
			}
			return nil
		})
	}
	_ = g.Wait() // its error is in first
	if first == nil {
		return outer.Err()
	}
	return errReported{gateway.ProblemOf(first).Code}
}

func (a *app) putOne(ctx context.Context, r gateway.Ring, s userfiles.Source, f putFlags, few *tooFew) error {
	in, err := s.Open(ctx, a.stdin)
	if err != nil {
		return fault.New(fault.Failed, "can't put %s: %w", s.Path, err)
	}
	defer func() { _ = in.Close() }() // it was only read
	res, err := r.Put(ctx, s.Name, in, node.PutOptions{
		Size: s.Size, Copies: f.copies, WaitAll: f.wait == "all", Modified: s.Modified, Mode: s.Mode,
		Progress: a.out.ProgressOf(s.Name),
	})
	if err == nil || fault.CodeOf(err) == fault.FewerCopies {
		a.out.FinishFile(s.Name, res.Size)
		a.showPut(res)
	}
	if err != nil {
		return fault.New(gateway.ProblemOf(err).Code, "can't put %s: %w", s.Name, err)
	}
	if res.Possible < res.Wanted {
		few.add(s.Name, res)
	}
	return nil
}

// tooFew collects the files that have fewer copies than wanted, because the ring is too small.
type tooFew struct {
	mu     sync.Mutex
	files  int
	first  string
	copies int // of the first one
	wanted int // of the first one, in a larger ring
}

func (t *tooFew) add(name string, res node.PutResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files++; t.files == 1 {
		t.first, t.copies, t.wanted = name, res.Possible, res.Wanted
	}
}

// report reports them all at once.
func (t *tooFew) report(out *console.Output) {
	what := t.first
	if t.files > 1 {
		what = fmt.Sprintf("%s and %s", t.first, textfmt.Count(t.files-1, "other file", "other files"))
	}
	if t.files > 0 {
		out.Say("p2pchord: %s: only %s for now, because the ring has no more peers; there will be %d when more join",
			what, textfmt.Count(t.copies, "copy", "copies"), t.wanted)
	}
}

func (a *app) showPut(res node.PutResult) {
	if a.json {
		a.out.Object(res)
		return
	}
	a.out.Line("%s  %s, %s, owner %s, hash %s", res.Name, textfmt.Size(res.Size), textfmt.Count(res.Copies, "copy", "copies"), textfmt.ShortID(res.Owner), res.Hash)
}
