package tlsbatch

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
)

// recorder is a connection that notes each Write.
type recorder struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
	fails  error
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails != nil {
		return 0, r.fails
	}
	r.writes = append(r.writes, bytes.Clone(p))
	return len(p), nil
}

func TestCorkHoldsTogether(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	c := &cork{Conn: r}
	write := func(n int) {
		t.Helper()
		if m, err := c.Write(bytes.Repeat([]byte{byte(n)}, n)); err != nil || m != n {
			t.Fatalf("writing %d bytes: %d, %v", n, m, err)
		}
	}
	write(10)
	c.hold()
	write(20)
	write(30)
	if len(r.writes) != 1 {
		t.Errorf("%d writes while it is held, want 1 from before", len(r.writes))
	}
	write(corkBuffer) // with the others it is too much
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	write(40)
	var sizes []int
	for _, w := range r.writes {
		sizes = append(sizes, len(w))
	}
	want := []int{10, 50, corkBuffer, 40}
	if len(sizes) != len(want) {
		t.Fatalf("writes of %v bytes, want %v", sizes, want)
	}
	for i := range want {
		if sizes[i] != want[i] {
			t.Errorf("writes of %v bytes, want %v", sizes, want)
			break
		}
	}
	if all := bytes.Join(r.writes, nil); all[10] != 20 || all[30] != 30 || all[len(all)-1] != 40 {
		t.Error("the bytes are out of order")
	}
}

// What could not be written is told by whoever releases, and after it nothing goes out.
func TestCorkFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	r := &recorder{fails: broken}
	c := &cork{Conn: r}
	c.hold()
	if _, err := c.Write([]byte("held")); err != nil {
		t.Errorf("while it is held: %v", err)
	}
	if err := c.release(); !errors.Is(err, broken) {
		t.Errorf("at its release: %v", err)
	}
	r.fails = nil
	if _, err := c.Write([]byte("later")); !errors.Is(err, broken) {
		t.Errorf("afterwards: %v", err)
	}
	if len(r.writes) > 0 {
		t.Errorf("%q went out", r.writes)
	}
}

// Writers of other goroutines, as TLS has for its own messages, are not lost.
func TestCorkSideBySide(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	c := &cork{Conn: r}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				c.hold()
				_, _ = c.Write(make([]byte, 1000))
				_, _ = c.Write(make([]byte, 24))
				_ = c.release()
			}
		})
	}
	wg.Wait()
	total := 0
	for _, w := range r.writes {
		total += len(w)
	}
	if total != 8*200*1024 {
		t.Errorf("%d bytes went out, want %d", total, 8*200*1024)
	}
}
