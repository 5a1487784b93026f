package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// passing connects a client that is no member.
func (c *cluster) passing(cfg node.ClientConfig) *node.Client {
	c.t.Helper()
	cfg.Bootstrap = c.addrs
	client, err := node.Dial(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

var errCut = errors.New("the cable was pulled")

// A put that was interrupted sends only what is missing when it is given again.
func TestInterruptedPutContinues(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	const blocks = 6
	data := bytesOf(7, blocks*node.DefaultBlockSize)
	client := c.passing(node.ClientConfig{})
	// Only what has been acknowledged counts, so the cut comes when three blocks have been.
	acknowledged := make(chan struct{}, blocks)
	in := io.MultiReader(bytes.NewReader(data[:5*node.DefaultBlockSize]), waitThenFail{t, acknowledged, 3})
	_, err := client.Put(t.Context(), "x", in, node.PutOptions{
		Size: int64(len(data)), Progress: func(node.Progress) { acknowledged <- struct{}{} },
	})
	if !errors.Is(err, errCut) {
		t.Fatalf("the interrupted put: %v", err)
	}
	if _, err := client.Stat(t.Context(), "x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after the interruption: %v", err)
	}
	res, err := client.Put(t.Context(), "x", bytes.NewReader(data), node.PutOptions{Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(3 * node.DefaultBlockSize); res.Sent > most {
		t.Errorf("%d bytes were sent again, at most %d were missing", res.Sent, most)
	}
	if got := c.get(client, "x"); !bytes.Equal(got, data) {
		t.Error("the file came back different")
	}
}

// waitThenFail is the end of a stream that breaks when so many blocks have been stored.
type waitThenFail struct {
	t      *testing.T
	blocks <-chan struct{}
	count  int
}

func (r waitThenFail) Read([]byte) (int, error) {
	for range r.count {
		select {
		case <-r.blocks:
		case <-r.t.Context().Done():
		}
	}
	return 0, errCut
}

// A stream that breaks off is not taken for one that has ended, even when its size isn't known: a
// request's body in net/http breaks off with io.ErrUnexpectedEOF.
func TestPutOfABrokenStream(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	for _, cut := range []error{errCut, io.ErrUnexpectedEOF} {
		for _, size := range []int{0, 1000, node.DefaultBlockSize, node.DefaultBlockSize + 1000} {
			in := io.MultiReader(bytes.NewReader(bytesOf(1, size)), iotest.ErrReader(cut))
			_, err := c.nodes[0].Put(t.Context(), "broken", in, node.PutOptions{Size: node.SizeUnknown})
			if !errors.Is(err, cut) {
				t.Errorf("%d bytes, then %v: the put says %v", size, cut, err)
			}
			if _, err := c.nodes[0].Stat(t.Context(), "broken"); !errors.Is(err, fault.NotFound) {
				t.Errorf("%d bytes, then %v: they are stored (%v)", size, cut, err)
			}
		}
	}
}

// A Progress function may ask the File that it reports on, and may take its time: it runs under no
// lock.
func TestProgressMayAskTheFile(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	c.settled()
	c.put(c.nodes[0], "x", bytesOf(3, 3*node.DefaultBlockSize))
	opened := make(chan *node.File, 1)
	var sources []string
	f, err := c.nodes[1].Get(t.Context(), "x", node.GetOptions{Progress: func(p node.Progress) {
		f := <-opened
		defer func() { opened <- f }()
		sources = f.Sources()
		if f.Info().Size != p.Total {
			t.Errorf("the file has %d bytes, %d by its progress", f.Info().Size, p.Total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	opened <- f
	dst, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dst.Close() }()
	saved := make(chan error, 1)
	go func() { saved <- f.Save(dst) }()
	select {
	case err := <-saved:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the get waits for its Progress function, which waits for the File")
	}
	if len(sources) == 0 {
		t.Error("the last call knows no source")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// A stream of another size than announced is not stored, and the old version stays.
func TestPutOfAnotherSize(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	old := bytesOf(1, 1000)
	c.put(c.nodes[0], "x", old)
	for what, size := range map[string]int{"shorter": 10, "longer": 2000, "by one block": node.DefaultBlockSize + 1000} {
		_, err := c.nodes[0].Put(t.Context(), "x", bytes.NewReader(bytesOf(2, 1000)), node.PutOptions{Size: int64(size)})
		if fault.CodeOf(err) != fault.Failed {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, size := range []int{999, 0} { // more comes than was announced
		_, err := c.nodes[0].Put(t.Context(), "x", bytes.NewReader(bytesOf(2, 1000)), node.PutOptions{Size: int64(size)})
		if fault.CodeOf(err) != fault.Failed {
			t.Errorf("announced %d: %v", size, err)
		}
	}
	if got := c.get(c.nodes[1], "x"); !bytes.Equal(got, old) {
		t.Error("the old version is gone")
	}
}

// save gets a file into the file at path.
func save(ctx context.Context, t *testing.T, g getter, name, path string) (sources []string, err error) {
	t.Helper()
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dst.Close() }()
	f, err := g.Get(ctx, name, node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	err = f.Save(dst)
	return f.Sources(), err
}

// Save continues with what is there, whatever it is, and the file is right in the end.
func TestSaveContinues(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	data := bytesOf(9, 5*node.DefaultBlockSize+77)
	c.put(c.nodes[0], "x", data)
	client := c.passing(node.ClientConfig{})
	damaged := bytes.Clone(data)
	damaged[2*node.DefaultBlockSize+5] ^= 1
	for what, before := range map[string][]byte{
		"nothing":           nil,
		"half":              data[:len(data)/2],
		"one block damaged": damaged,
		"all":               data,
		"all, and more":     append(bytes.Clone(data), "old bytes of a longer file"...),
		"another file":      bytesOf(10, 3*node.DefaultBlockSize),
	} {
		path := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
		sources, err := save(t.Context(), t, client, "x", path)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes came, of %d, or different ones: %v", what, len(got), len(data), err)
		}
		if what == "all" && len(sources) > 0 {
			t.Errorf("%s: bytes came from %v although all were there", what, sources)
		}
	}
}

// A slow reader must not make the whole file wait in memory, and a File can be closed in the
// middle.
func TestReadStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	data := bytesOf(3, 12*node.DefaultBlockSize)
	c.put(c.nodes[0], "x", data)
	f, err := c.nodes[0].Get(t.Context(), "x", node.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	if _, err := io.ReadFull(f, buf); err != nil || !bytes.Equal(buf, data[:1000]) {
		t.Errorf("the first bytes: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(buf); err == nil {
		t.Error("a closed file can be read")
	}
}

// The bytes of files go no faster than they may, and messages are not held back.
func TestLimits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	const perSecond = 4 << 20
	data := bytesOf(5, 6<<20)
	c.put(c.nodes[0], "x", data)
	for what, cfg := range map[string]node.ClientConfig{"down": {LimitDown: perSecond}, "up": {LimitUp: perSecond}} {
		client := c.passing(cfg)
		began := time.Now()
		if what == "down" {
			if got := c.get(client, "x"); !bytes.Equal(got, data) {
				t.Errorf("%s: the file came back different", what)
			}
		} else {
			fresh := bytesOf(6, len(data))
			if _, err := client.Put(t.Context(), "y", bytes.NewReader(fresh), node.PutOptions{Size: int64(len(fresh))}); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		least := time.Duration(float64(len(data))/perSecond*float64(time.Second)) - time.Second/4
		if took := time.Since(began); took < least {
			t.Errorf("%s: it took %v, with the limit at least %v", what, took, least)
		}
	}
}

// A block may take longer on its way to the witness than anybody waits for an answer, as long as it
// moves.
func TestPutOverASlowLine(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	for range 3 {
		c.start(node.Config{LimitUp: 512 << 10, Timeout: 4 * time.Second, Heartbeat: 300 * time.Millisecond})
	}
	c.settled()
	c.put(c.nodes[0], "slowly", bytesOf(1, node.DefaultBlockSize))
}
