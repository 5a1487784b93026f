package share

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func remembered(t *testing.T, data, folder string) (map[string]known, bool) {
	t.Helper()
	all := map[string]known{}
	m, had, err := openMemory(data, folder, func(name string, k known) { all[name] = k })
	if err != nil {
		t.Fatal(err)
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
	return all, had
}

func fillMemory(t *testing.T, data, folder string, files int) {
	t.Helper()
	m, _, err := openMemory(data, folder, func(string, known) {})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		for version := range 2 { // the last one counts
			m.remember(fmt.Sprintf("ü/%d", i), known{stamp: stamp{int64(i), int64(version), 5, uint64(i) << 40}, hash: [32]byte{byte(i)}, copies: 2, possible: 3, day: 7})
		}
	}
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	fillMemory(t, data, "/f", 100)
	all, had := remembered(t, data, "/f")
	if k := all["ü/7"]; !had || len(all) != 100 || k != (known{stamp: stamp{7, 1, 5, 7 << 40}, hash: [32]byte{7}, copies: 2, possible: 3, day: 7}) {
		t.Errorf("%d files, %+v", len(all), k)
	}
	if all, had := remembered(t, data, "/other"); had || len(all) > 0 {
		t.Errorf("of another folder: %d", len(all))
	}
	if all, _ := remembered(t, data, "/f"); len(all) > 0 {
		t.Errorf("of the old one after that: %d", len(all))
	}
}

// TestADamagedMemory cuts it off at, and damages, every byte of its end: what is left
// is right, and only the lines that were hit are missing.
func TestADamagedMemory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	path := filepath.Join(data, memoryName)
	fillMemory(t, data, "/f", 3)
	remembered(t, data, "/f") // now it has three lines and the header
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for at := last; at < len(whole)-1; at++ {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 4
		for _, b := range [][]byte{whole[:at], flipped} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if all, had := remembered(t, data, "/f"); !had || len(all) != 2 {
				t.Fatalf("at %d: %d files", at, len(all))
			}
		}
	}
	for _, b := range [][]byte{nil, whole[:10], []byte("garbage\nmore\n")} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if all, had := remembered(t, data, "/f"); had || len(all) != 0 {
			t.Errorf("of %q: %d", b, len(all))
		}
	}
}

// TestManyFilesTakeLittleMemory: a hundred thousand files that are stored.
func TestManyFilesTakeLittleMemory(t *testing.T) { //nolint:paralleltest // it measures
	const files, most = 100_000, 600
	before := heapBytes()
	m := newMachine(quiet)
	for i := range files {
		path := fmt.Sprintf("photos/2026/%03d/IMG_%06d.jpg", i%1000, i)
		m.remember(path, known{stamp: stamp{int64(i), 1, 5, uint64(i)}, copies: 3, possible: 3})
		m.found(1, path, stamp{int64(i), 1, 5, uint64(i)}, byScan)
		m.take()
	}
	m.scanEnds(1)
	per := (heapBytes() - before) / files
	t.Logf("%d bytes a file", per)
	if m.counts[stored] != files || per > most {
		t.Errorf("%d bytes a file, %d are enough; counts %v", per, most, m.counts)
	}
}

func heapBytes() int64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
