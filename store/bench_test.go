package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// BenchmarkPut is one durable put with its bytes, by one caller and by many.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 256 << 10, 1 << 20, 8 << 20} {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%dKiB/%dcallers", size>>10, callers), func(b *testing.B) {
				benchmarkPut(b, store.Options{}, size, callers)
			})
		}
	}
}

// BenchmarkInline compares blocks in the database with blocks as files, around the
// size that decides between them.
func BenchmarkInline(b *testing.B) {
	for _, size := range []int{16 << 10, 64 << 10, 128 << 10, 256 << 10} {
		for name, inline := range map[string]int64{"database": 1 << 20, "file": 1} {
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, name), func(b *testing.B) {
				benchmarkPut(b, store.WithInline(store.Options{}, inline), size, 16)
			})
		}
	}
}

func benchmarkPut(b *testing.B, opts store.Options, size, callers int) {
	s, err := store.Open(b.TempDir(), opts)
	storetest.Check(b, err)
	var n atomic.Int64
	b.SetBytes(int64(size))
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	put := func() {
		i := n.Add(1)
		data := make([]byte, size)
		copy(data, strconv.FormatInt(i, 10))
		benchPut(b, s, store.Place{Key: uint16(i * 40503), Name: fmt.Sprint("some/folder/file ", i)}, data)
	}
	if callers == 1 {
		for b.Loop() {
			put()
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				put()
			}
		})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	b.StopTimer()
	storetest.Check(b, s.Close())
}

func benchPut(b *testing.B, s *store.Store, at store.Place, data []byte) {
	g, err := s.Stage(context.Background(), int64(len(data)), bytes.NewReader(data))
	if err != nil {
		b.Error(err)
		return
	}
	e := store.Entry{Stamp: "0000000000000001writer", Value: make([]byte, 200), Block: g.Hash(), Size: g.Size(), Counted: true}
	if _, err := s.Update(context.Background(), at, func([]store.Entry) ([]store.Entry, error) { return []store.Entry{e}, nil }, g); err != nil {
		b.Error(err)
	}
}

// BenchmarkRead is one verified read.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{4 << 10, 8 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s, err := store.Open(b.TempDir(), store.Options{})
			storetest.Check(b, err)
			e := storetest.Put(b, s, store.Place{Name: "a"}, "1", storetest.Bytes(1, size))
			buf := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				_, err := s.Read(context.Background(), e.Block, buf)
				storetest.Check(b, err)
			}
			b.StopTimer()
			storetest.Check(b, s.Close())
		})
	}
}

// BenchmarkMillion is everything that must not grow with the number of records, in a
// store of 1,000,000 of them with blocks of 100 bytes. Making it takes a while; it is
// kept in the folder that P2PCHORD_BENCH_MILLION names, if it does.
func BenchmarkMillion(b *testing.B) {
	dir := os.Getenv("P2PCHORD_BENCH_MILLION")
	if dir == "" {
		dir = b.TempDir()
	}
	const records = 1_000_000
	s, err := store.Open(dir, store.Options{})
	storetest.Check(b, err)
	if n := s.Usage().Entries; n < records {
		start := time.Now()
		fill(b, s, int(n), records)
		b.Logf("filled in %v; %s", time.Since(start), resident())
	}
	storetest.Check(b, s.Close())
	s = nil
	debug.FreeOSMemory()
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := store.Open(dir, store.Options{})
			storetest.Check(b, err)
			b.StopTimer()
			storetest.Check(b, s.Close())
			b.StartTimer()
		}
		b.ReportMetric(residentMiB(), "MiB-resident")
	})
	s, err = store.Open(dir, store.Options{})
	storetest.Check(b, err)
	var n atomic.Int64
	b.Run("put4KiB/64callers", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := n.Add(1)
				data := make([]byte, 4<<10)
				copy(data, fmt.Sprint(time.Now().UnixNano(), i))
				at := store.Place{Key: uint16(i * 40503), Name: fmt.Sprint("again ", i%50000)}
				benchPut(b, s, at, data)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
		b.ReportMetric(residentMiB(), "MiB-resident")
	})
	b.Run("entries", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, err := s.Entries(million(i * 7919 % records))
			storetest.Check(b, err)
		}
	})
	b.Run("rows", func(b *testing.B) {
		for b.Loop() {
			_ = s.Rows()
		}
	})
	b.Run("scanKey", func(b *testing.B) { // some 15 records
		for i := 0; b.Loop(); i++ {
			k := uint16(i)
			storetest.Check(b, s.Scan(store.Span{First: k, Last: k}, nil, func(store.Entry) bool { return true }))
		}
	})
	b.Run("scanAll", func(b *testing.B) {
		for b.Loop() {
			storetest.Check(b, s.Scan(store.Span{First: 0, Last: 0xffff}, nil, func(store.Entry) bool { return true }))
		}
		b.ReportMetric(residentMiB(), "MiB-resident")
	})
	b.Log(resident())
	storetest.Check(b, s.Close())
}

func million(i int) store.Place {
	return store.Place{Key: uint16(i * 40503), Name: fmt.Sprintf("folder %d/a file %d.txt", i%1000, i)}
}

func fill(b *testing.B, s *store.Store, from, to int) {
	var next atomic.Int64
	next.Store(int64(from))
	done := make(chan struct{})
	const callers = 64
	for range callers {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := next.Add(1) - 1; i < int64(to); i = next.Add(1) - 1 {
				data := make([]byte, 100)
				copy(data, strconv.FormatInt(i, 10))
				benchPut(b, s, million(int(i)), data)
			}
		}()
	}
	for range callers {
		<-done
	}
}

// resident is what the system says of this process's memory, now and at most.
func resident() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "memory unknown"
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") {
			out = append(out, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(out, ", ")
}

func residentMiB() float64 {
	for _, f := range strings.Split(resident(), ", ") {
		if kb, ok := strings.CutPrefix(f, "VmRSS: "); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(kb, " kB"), 64)
			return n / 1024
		}
	}
	return 0
}
