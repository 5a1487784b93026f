package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
)

// settings are the flags.
type settings struct {
	rounds   int
	size     int64 // bytes of the large file
	files    int   // how many small ones
	small    int   // bytes of each of them
	requests int   // gets of one small file, for the latency
	dir      string
	binary   string
	only     string // the parts that are measured; empty for all
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == rawVerb {
		if err := rawMain(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := parse()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.dir, "p2pchord-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // its contents are no longer needed
	if s.binary == "" {
		if s.binary, err = build(ctx, dir); err != nil {
			return err
		}
	}
	b := &bench{settings: s, dir: dir, taken: newSamples()}
	defer b.close()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	began := loadAverage()
	for i := range s.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d, load %s\n", i+1, s.rounds, loadAverage())
		if err := b.round(ctx, i); err != nil {
			return errors.Join(fmt.Errorf("round %d: %w", i+1, err), ctx.Err())
		}
	}
	b.print(os.Stdout, machine(dir), began)
	return nil
}

func parse() (settings, error) {
	var s settings
	var size string
	flag.IntVar(&s.rounds, "rounds", 5, "rounds, of which the medians are shown")
	flag.StringVar(&size, "size", "1GiB", "size of the large file")
	flag.IntVar(&s.files, "files", 1000, "number of small files")
	flag.IntVar(&s.small, "small", 4<<10, "bytes of a small file")
	flag.IntVar(&s.requests, "requests", 300, "requests of which the median latency is taken")
	flag.StringVar(&s.dir, "dir", os.TempDir(), "folder for everything that is written")
	flag.StringVar(&s.binary, "binary", "", "a p2pchord to measure (default: built from this tree)")
	flag.StringVar(&s.only, "only", "", "measure only these `parts`: baselines, node, private, large, many, latency (with many); comma between")
	flag.Parse()
	n, err := humanize.ParseBytes(size)
	if err != nil || n == 0 || s.rounds < 1 || s.files < 1 || s.small < 1 || s.requests < 1 || flag.NArg() > 0 {
		return s, fmt.Errorf("wrong usage: see -help (%w)", err)
	}
	s.size = int64(n) //nolint:gosec // far below the limit
	return s, nil
}

// build compiles the program.
func build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "p2pchord")
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	_, err := command(ctx, "go", "build", "-ldflags", "-s -w", "-o", path, "github.com/p2pchord/p2pchord/cmd/p2pchord")
	return path, err
}
