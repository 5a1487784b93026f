package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheSocketIsPrivateAndGoesWithTheServer(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, newFake())
	st, err := os.Lstat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && st.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(s.path), ".api-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := Dial(t.Context(), s.path, 0); !errors.Is(err, fault.Unreachable) {
		t.Errorf("dial: %v", err)
	}
}

func TestAStaleSocketIsReplacedAndALiveOneIsNot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), SocketName)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := Dial(t.Context(), path, 0); !errors.Is(err, fault.Unreachable) {
		t.Errorf("dial of a stale socket: %v", err)
	}
	s, err := Serve(path, newFake(), nil, nil)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	defer s.Close(context.Background())
	if _, err := Serve(path, newFake(), nil, nil); err == nil {
		t.Error("a live socket was replaced")
	}
	c, err := Dial(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.PeerID() != "fake" || c.RingAddress() != "localhost:8001" {
		t.Errorf("self: %+v", c.self)
	}
}

func TestADeepDataFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SocketName)
	s, err := Serve(path, newFake(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	c, err := Dial(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLeaveReportsEachFileAndFreesTheFolder(t *testing.T) {
	t.Parallel()
	f := newFake()
	s, c := serve(t, f)
	var got []string
	err := c.Leave(t.Context(), func(h node.HandOver) { got = append(got, fmt.Sprint(h)) })
	if fmt.Sprint(got) != "[{a peer1 } {b  nobody takes it}]" {
		t.Errorf("reported %v", got)
	}
	if fault.CodeOf(err) != fault.Failed || err.Error() != "1 file of 2 stays here: b" {
		t.Errorf("%v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := os.Lstat(s.path); !f.closed || !c.Gone() || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("closed %v, socket %v", f.closed, err)
	}
}

func TestQuitKeepsToItsTime(t *testing.T) {
	t.Parallel()
	for _, within := range []time.Duration{0, 40 * time.Second} {
		_, c := serve(t, newFake())
		ctx, want := t.Context(), DefaultWithin
		if within > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, within)
			defer cancel()
			want = within
		}
		var got node.HandOver
		if err := c.Quit(ctx, func(h node.HandOver) { got = h }); err != nil {
			t.Fatal(err)
		}
		if got.Name != want.String() || got.To != "deadline" {
			t.Errorf("within %v: %+v", within, got)
		}
	}
}

func TestSilenceEndsACall(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.hang = make(chan struct{})
	s, _ := serve(t, f)
	c, err := Dial(t.Context(), s.path, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Stat(t.Context(), "x"); !errors.Is(err, fault.TryAgain) {
		t.Errorf("%v", err)
	}
}

func TestASlowSourceIsNotTheNodesSilence(t *testing.T) {
	t.Parallel()
	f := newFake()
	s, _ := serve(t, f)
	const idle = 300 * time.Millisecond
	c, err := Dial(t.Context(), s.path, idle)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := &slow{left: 3, wait: 2 * idle}
	if _, err := c.Put(t.Context(), "x", r, node.PutOptions{Size: node.SizeUnknown, Progress: func(node.Progress) {}}); err != nil {
		t.Errorf("%v", err)
	}
	if string(f.files["x"]) != "..." {
		t.Errorf("stored %q", f.files["x"])
	}
}

// slow yields a byte at a time, each after a wait.
type slow struct {
	left int
	wait time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	<-time.After(s.wait)
	p[0] = '.'
	return 1, nil
}

func TestANodeThatGoesAwayInTheMiddle(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.hang = make(chan struct{})
	s, c := serve(t, f)
	answered := make(chan error)
	go func() {
		_, err := c.Stat(context.Background(), "x")
		answered <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_ = s.Close(ctx) // breaks what has not been answered in time
	if err := <-answered; !errors.Is(err, fault.Unreachable) {
		t.Errorf("%v", err)
	}
}

func TestInterruptedIsTheCallersOwnEnd(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.hang = make(chan struct{})
	_, c := serve(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := c.Stat(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestMembersAndStatus(t *testing.T) {
	t.Parallel()
	_, c := serve(t, newFake())
	var got []string
	for m, err := range c.Members(t.Context()) {
		got = append(got, fmt.Sprintf("%s %d %s %v", m.PeerID, m.Key, m.RingAddress, err))
	}
	if fmt.Sprint(got) != "[a 1  <nil> b 2 localhost:1 <nil>]" {
		t.Errorf("%v", got)
	}
	if st, err := c.Status(t.Context()); err != nil || st.Key != 9 || !st.Ring.OK {
		t.Errorf("%+v, %v", st, err)
	}
	for _, err := range c.Members(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break // leaving early must not leak the connection: goleak looks at the end
	}
	if err := c.call(t.Context(), "GET", "/v1/nothing", nil); !errors.Is(err, fault.Usage) {
		t.Errorf("unknown call: %v", err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{fault.New(fault.Busy, "x"), fault.TryAgain},
		{fault.New(fault.NotOwner, "x"), fault.TryAgain},
		{fault.New(fault.NotFound, "x"), fault.NotFound},
		{context.DeadlineExceeded, fault.TryAgain},
		{context.Canceled, fault.Interrupted},
		{errors.New("x"), fault.Failed},
	} {
		p := ProblemOf(c.err)
		if p.Code != c.want || !errors.Is(p.Err(), c.want) {
			t.Errorf("%v: %v", c.err, p)
		}
	}
	if got := OneLine("a\nb\x1b[31m\u009bc "); got != `a b\x1b[31m\x9bc` {
		t.Errorf("OneLine: %q", got)
	}
}

func TestAPeerThatCantLeaveRunsOn(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.stays = true
	s, c := serve(t, f)
	var got []string
	err := c.Leave(t.Context(), func(h node.HandOver) { got = append(got, h.Name) })
	if fault.CodeOf(err) != fault.Failed || fmt.Sprint(got) != "[a b]" {
		t.Errorf("%v, %v", got, err)
	}
	if c.Gone() || f.closed {
		t.Errorf("gone %v, closed %v", c.Gone(), f.closed)
	}
	if _, err := os.Lstat(s.path); err != nil {
		t.Error(err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("it answers no more: %v", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	f := newFake()
	_, c := serve(t, f)
	none := func(d node.Damage) { t.Errorf("reported %v", d) }
	if v, err := c.Verify(t.Context(), none); err != nil || v != (node.Verified{Blocks: 2, Bytes: 20}) {
		t.Errorf("%+v, %v", v, err)
	}
	f.damaged = true
	var got []node.Damage
	v, err := c.Verify(t.Context(), func(d node.Damage) { got = append(got, d) })
	if err != nil || v.Bad != 1 || len(got) != 1 || got[0] != (node.Damage{Hash: "00", Error: "other bytes"}) {
		t.Errorf("%+v, %v, %v", v, got, err)
	}
}

func TestWhatTakesLongSaysThatItGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for range 2 {
		if err := json.NewEncoder(&out).Encode(line{}); err != nil {
			t.Fatal(err)
		}
	}
	out.WriteString(`{"item":1}` + "\n" + `{"end":true}` + "\n")
	items := 0
	if _, err := readStream(&out, func(line) error { items++; return nil }); err != nil || items != 1 {
		t.Errorf("%d items, %v", items, err)
	}
}

func TestAPanicInACallFailsThatCallOnly(t *testing.T) {
	t.Parallel()
	p := newFake()
	p.panics = true
	_, c := serve(t, p)
	_, err := c.Stat(t.Context(), "x")
	if fault.CodeOf(err) != fault.Failed || !strings.Contains(err.Error(), "bug") {
		t.Errorf("the call ended with %v", err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if all := strings.Join(contain.Problems(), "; "); !strings.Contains(all, "the local API") {
		t.Errorf("the problems are %q", all)
	}
}
