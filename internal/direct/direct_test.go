package direct_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/p2pchord/p2pchord/internal/direct"
)

// aligned returns n bytes, pseudo-random, at the given distance from an Alignment.
func aligned(n, distance int) []byte {
	b := make([]byte, n+2*direct.Alignment)
	skip := direct.Alignment - int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))%direct.Alignment) + distance
	b = b[skip:][:n:n]
	r := rand.NewChaCha8([32]byte{byte(n), byte(distance)})
	_, _ = r.Read(b)
	return b
}

// What was written is read back, whatever its size, its place in memory and its place in the file.
func TestWriteAt(t *testing.T) {
	t.Parallel()
	// the second knows no O_DIRECT on older systems
	for _, dir := range []string{t.TempDir(), "/dev/shm"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		for _, n := range []int{0, 1, 4096, 256 << 10, 1<<20 + 1, 4<<20 - 1, 4 << 20} {
			for _, distance := range []int{0, 1, 512} {
				for _, off := range []int64{0, 100, 8192} {
					f, err := os.CreateTemp(dir, "direct")
					if err != nil {
						t.Fatal(err)
					}
					want := aligned(n, distance)
					if m, err := direct.WriteAt(f, want, off); m != n || err != nil {
						t.Fatalf("%d bytes at %d: %d, %v", n, off, m, err)
					}
					// The cache has the first bytes; writing past it must not leave them there.
					if _, err := f.ReadAt(make([]byte, n/2), off); err != nil {
						t.Fatal(err)
					}
					for i := range want {
						want[i] ^= 0x55
					}
					if m, err := direct.WriteAt(f, want, off); m != n || err != nil {
						t.Fatalf("%d bytes at %d, again: %d, %v", n, off, m, err)
					}
					got := make([]byte, n)
					if _, err := f.ReadAt(got, off); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%d bytes at %d, memory off by %d: other bytes came back (%v)", n, off, distance, err)
					}
					if st, err := f.Stat(); err != nil || st.Size() != off+int64(n) && n > 0 {
						t.Errorf("%d bytes at %d made a file of %d (%v)", n, off, st.Size(), err)
					}
					// Afterwards the descriptor is as it was.
					if _, err := f.WriteAt([]byte("odd"), 1); err != nil {
						t.Errorf("an odd write afterwards: %v", err)
					}
					_ = f.Close()
					_ = os.Remove(f.Name())
				}
			}
		}
	}
}

// What is read is what was written, from the cache and past it, at once and piecemeal.
func TestReader(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), "/dev/shm"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		for _, n := range []int{0, 1, 256 << 10, 1<<20 + 1, 4 << 20} {
			for _, step := range []int{4 << 20, 128 << 10, 1000} {
				for _, warm := range []bool{true, false} {
					f, err := os.CreateTemp(dir, "direct")
					if err != nil {
						t.Fatal(err)
					}
					want := aligned(n, 0)
					write := direct.WriteAt
					if warm {
						write = func(f direct.File, p []byte, off int64) (int, error) { return f.WriteAt(p, off) }
					}
					if _, err := write(f, want, 0); err != nil {
						t.Fatal(err)
					}
					r := direct.Reader(f, int64(n))
					var got []byte
					for buf := make([]byte, step); err == nil; {
						var m int
						m, err = r.Read(buf)
						got = append(got, buf[:m]...)
					}
					if !errors.Is(err, io.EOF) || !bytes.Equal(got, want) {
						t.Errorf("%d bytes in steps of %d, cached: %v: %d came (%v)", n, step, warm, len(got), err)
					}
					if err := r.Close(); err != nil {
						t.Error(err)
					}
					_ = f.Close()
					_ = os.Remove(f.Name())
				}
			}
		}
	}
}

func TestWriteAtTellsErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var p *os.PathError
	if _, err := direct.WriteAt(f, aligned(1<<20, 0), 0); !errors.As(err, &p) || p.Op != "write" {
		t.Errorf("writing to a file open for reading: %v", err)
	}
}
