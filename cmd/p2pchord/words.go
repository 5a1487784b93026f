package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// size writes a number of bytes as people read it.
func size(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// parseSize reads a number of bytes as people write it: 10GiB, 1.5M, 4096.
func parseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > 1<<62 {
		return 0, fault.New(fault.Usage, "%q is no size: write it like 10GiB, 1.5M or 4096", s)
	}
	return int64(n), nil
}

// shortID is the end of a peer ID, by which people tell peers apart: all begin alike.
func shortID(id string) string {
	const n = 8
	if len(id) <= n {
		return id
	}
	return id[len(id)-n:]
}

// count writes a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// when writes a time in the reader's zone.
func when(t time.Time) string {
	if t.IsZero() {
		return strings.Repeat(" ", len("2006-01-02 15:04"))
	}
	return t.Local().Format("2006-01-02 15:04")
}
