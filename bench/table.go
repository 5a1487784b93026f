package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The rows, by what was measured.
const (
	rowDisk    = "write and fsync once"
	rowCurl    = "curl from nginx, TLS 1.3"
	rowRsync   = "rsync daemon, not encrypted"
	rowKubo    = "kubo"
	rowCroc    = "croc"
	rowRaw     = "raw go-libp2p stream"
	rowPut     = "put"
	rowPutNode = "put through a node"
	rowGetNode = "get through a node"
	rowThird   = "put, until the third copy"
	rowGetNull = "get to /dev/null"
	rowGet     = "get to a file"
	rowPutMany = "put -r"
	rowGetMany = "get -r"
	rowAsk     = "raw go-libp2p request"
	rowGetOne  = "get through a node, warm"

	// through nodes of an open ring, and of a private one
	rowPutOpen        = "open, put"
	rowGetOpen        = "open, get"
	rowPutManyOpen    = "open, put -r"
	rowGetManyOpen    = "open, get -r"
	rowPutPrivate     = "private, put"
	rowGetPrivate     = "private, get"
	rowPutManyPrivate = "private, put -r"
	rowGetManyPrivate = "private, get -r"
)

// samples is what was measured, round by round.
type samples struct {
	times map[string][]time.Duration
	cpu   map[string][]time.Duration // of all processes that took part, where it is known
	peaks map[string]int64           // bytes, by process
}

func newSamples() *samples {
	return &samples{times: map[string][]time.Duration{}, cpu: map[string][]time.Duration{}, peaks: map[string]int64{}}
}

func (s *samples) time(row string, t time.Duration) { s.times[row] = append(s.times[row], t) }

func (s *samples) memory(name string, bytes int64) { s.peaks[name] = max(s.peaks[name], bytes) }

// command records the cost of a command, including the processor time of its server.
func (s *samples) command(row string, r ran, server time.Duration) {
	s.time(row, r.took)
	s.cpu[row] = append(s.cpu[row], r.cpu+server)
}

// median is 0 for what was not measured.
func (s *samples) median(row string) time.Duration {
	return middle(s.times[row])
}

func middle(times []time.Duration) time.Duration {
	t := slices.Sorted(slices.Values(times))
	if len(t) == 0 {
		return 0
	}
	return (t[(len(t)-1)/2] + t[len(t)/2]) / 2
}

// spread is the shortest and the longest time.
func (s *samples) spread(row string) string {
	t := s.times[row]
	if len(t) == 0 {
		return ""
	}
	return brief(slices.Min(t)) + " to " + brief(slices.Max(t))
}

func (s *samples) processor(row string) string {
	if t := middle(s.cpu[row]); t > 0 {
		return brief(t)
	}
	return ""
}

func brief(t time.Duration) string {
	if t < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", float64(t.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", t.Seconds())
}

// machine names what it was measured on.
func machine(dir string) string {
	return fmt.Sprintf("%s, %d cores, %s, %s, files on %s", cpuName(), runtime.NumCPU(), system(), runtime.Version(), fileSystem(dir))
}

// print writes the table as Markdown.
func (b *bench) print(to io.Writer, machine, load string) {
	w := &strings.Builder{}
	fmt.Fprintf(w, "%s. Load before: %s. Medians of %d rounds.\n\n", machine, load, b.rounds)
	fmt.Fprintf(w, "| what | median | shortest to longest | processor | speed | compared with | ratio | goal |\n|---|---|---|---|---|---|---|---|\n")
	row := func(what, key, speed, with string, ratio float64, wanted string) {
		if len(b.taken.times[key]) == 0 {
			fmt.Fprintf(w, "| %s | not measured | | | | | | |\n", what)
			return
		}
		compared := ""
		if ratio > 0 {
			compared = fmt.Sprintf("%.2f", ratio)
		} else {
			with, wanted = "", ""
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", what, brief(b.taken.median(key)), b.taken.spread(key), b.taken.processor(key), speed, with, compared, wanted)
	}
	// ratio of two medians, 0 when one is missing
	ratio := func(of, to string) float64 {
		x, y := b.taken.median(of), b.taken.median(to)
		if x == 0 || y == 0 {
			return 0
		}
		return x.Seconds() / y.Seconds()
	}
	big, small := sizeText(b.size), fmt.Sprintf("%d files of %s", b.files, sizeText(int64(b.small)))
	row("write "+big+" once and fsync it", rowDisk, b.speed(rowDisk), "", 0, "")
	row("curl "+big+" from nginx over TLS 1.3 to a file", rowCurl, b.speed(rowCurl), "", 0, "")
	row("rsync "+big+" from a daemon, not encrypted", rowRsync, b.speed(rowRsync), "curl", ratio(rowRsync, rowCurl), "")
	row("kubo, "+big+" from another daemon", rowKubo, b.speed(rowKubo), "curl", ratio(rowKubo, rowCurl), "")
	row("croc, "+big, rowCroc, b.speed(rowCroc), "curl", ratio(rowCroc, rowCurl), "")
	row("one raw go-libp2p stream, TCP, TLS and yamux, "+big, rowRaw, b.speed(rowRaw), "", 0, "")
	row("**get "+big+" to a file**", rowGet, b.speed(rowGet), "time of curl", ratio(rowGet, rowCurl), "at most 1.0, aim 0.6")
	row("the same through a node that holds it", rowGetNode, b.speed(rowGetNode), "time of curl", ratio(rowGetNode, rowCurl), "")
	row("**get "+big+" to /dev/null**", rowGetNull, b.speed(rowGetNull), "speed of the raw stream", ratio(rowRaw, rowGetNull), "at least 0.7, aim 0.9")
	row("**put "+big+"**, two durable copies", rowPut, b.speed(rowPut), "time of curl", ratio(rowPut, rowCurl), "at most 2.0, aim 1.5")
	row("the same through a node that is a member", rowPutNode, b.speed(rowPutNode), "time of curl", ratio(rowPutNode, rowCurl), "at most 2.0, aim 1.5")
	row("the first again, until the third copy is there", rowThird, b.speed(rowThird), "time of curl", ratio(rowThird, rowCurl), "")
	row("**put -r**, "+small, rowPutMany, b.rate(rowPutMany), "500 files/s", b.filesPerSecond(rowPutMany)/500, "at least 1, aim 4")
	row("**get -r**, the same", rowGetMany, b.rate(rowGetMany), "1,000 files/s", b.filesPerSecond(rowGetMany)/1000, "at least 1")
	row("a raw go-libp2p request for "+sizeText(int64(b.small)), rowAsk, "", "", 0, "")
	row("**get "+sizeText(int64(b.small))+"** through a running node, warm", rowGetOne, "", "time of the raw request", ratio(rowGetOne, rowAsk), "at most 3")
	for _, r := range []struct{ what, open, private, wanted string }{
		{"put " + big, rowPutOpen, rowPutPrivate, "at most 1.15"},
		{"get " + big, rowGetOpen, rowGetPrivate, "at most 1.15"},
		{"put -r, " + small, rowPutManyOpen, rowPutManyPrivate, "at most 1.2"},
		{"get -r, the same", rowGetManyOpen, rowGetManyPrivate, "at most 1.2"},
	} {
		row(r.what+" through nodes of an open ring", r.open, "", "", 0, "")
		row("**the same in a private ring**, encrypted", r.private, "", "time in the open ring", ratio(r.private, r.open), r.wanted)
	}
	fmt.Fprintf(w, "\nPeak resident memory: ")
	var peaks []string
	for _, name := range slices.Sorted(maps.Keys(b.taken.peaks)) {
		peaks = append(peaks, fmt.Sprintf("%s %d MiB", name, b.taken.peaks[name]>>20))
	}
	fmt.Fprintf(w, "%s (goal: under 200 MiB each).\n", strings.Join(peaks, ", "))
	_, _ = io.WriteString(to, w.String()) // for a person, who notices if it is incomplete
}

// speed of the large file in MiB/s.
func (b *bench) speed(row string) string {
	t := b.taken.median(row).Seconds()
	if t == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MiB/s", float64(b.size)/(1<<20)/t)
}

// filesPerSecond is how many small files a second.
func (b *bench) filesPerSecond(row string) float64 {
	t := b.taken.median(row).Seconds()
	if t == 0 {
		return 0
	}
	return float64(b.files) / t
}

func (b *bench) rate(row string) string { return fmt.Sprintf("%.0f files/s", b.filesPerSecond(row)) }

func sizeText(n int64) string {
	for _, u := range []struct {
		shift uint
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n >= 1<<u.shift && n%(1<<u.shift) == 0 {
			return fmt.Sprintf("%d %s", n>>u.shift, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
