package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheSocketIsPrivateAndGoesWithTheServer(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, peertest.New())
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
	if _, err := client.Dial(t.Context(), s.path, 0); !errors.Is(err, fault.Unreachable) {
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
	if _, err := client.Dial(t.Context(), path, 0); !errors.Is(err, fault.Unreachable) {
		t.Errorf("dial of a stale socket: %v", err)
	}
	s, err := Serve(path, peertest.New(), nil, nil)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	defer s.Close(context.Background())
	if _, err := Serve(path, peertest.New(), nil, nil); err == nil {
		t.Error("a live socket was replaced")
	}
	c, err := client.Dial(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.PeerID() != "fake" || c.RingAddress() != "localhost:8001" {
		t.Errorf("self: %+v", c.PeerID())
	}
}

func TestADeepDataFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SocketName)
	s, err := Serve(path, peertest.New(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	c, err := client.Dial(t.Context(), path, 0)
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
	f := peertest.New()
	s, c := serve(t, f)
	var got []string
	err := c.Leave(t.Context(), func(h node.HandOver) { got = append(got, fmt.Sprint(h)) })
	if fmt.Sprint(got) != "[{a peer1 } {b  nobody takes it}]" {
		t.Errorf("reported %v", got)
	}
	if fault.CodeOf(err) != fault.Failed || err.Error() != "1 file of 2 stays here: b" {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(s.path); !f.Closed || !c.Gone() || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("closed %v, socket %v", f.Closed, err)
	}
}

func TestQuitKeepsToItsTime(t *testing.T) {
	t.Parallel()
	for _, within := range []time.Duration{0, 40 * time.Second} {
		_, c := serve(t, peertest.New())
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

func TestMembersAndStatus(t *testing.T) {
	t.Parallel()
	s, c := serve(t, peertest.New())
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
	resp, err := overSocket(s.path).Get("http://x/v1/nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != fault.Usage.HTTP() {
		t.Errorf("unknown call: %s", resp.Status)
	}
}

func TestAPeerThatCantLeaveRunsOn(t *testing.T) {
	t.Parallel()
	f := peertest.New()
	f.Stays = true
	s, c := serve(t, f)
	var got []string
	err := c.Leave(t.Context(), func(h node.HandOver) { got = append(got, h.Name) })
	if fault.CodeOf(err) != fault.Failed || fmt.Sprint(got) != "[a b]" {
		t.Errorf("%v, %v", got, err)
	}
	if c.Gone() || f.Closed {
		t.Errorf("gone %v, closed %v", c.Gone(), f.Closed)
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
	f := peertest.New()
	_, c := serve(t, f)
	none := func(d node.Damage) { t.Errorf("reported %v", d) }
	if v, err := c.Verify(t.Context(), none); err != nil || v != (node.Verified{Blocks: 2, Bytes: 20}) {
		t.Errorf("%+v, %v", v, err)
	}
	f.Damaged = true
	var got []node.Damage
	v, err := c.Verify(t.Context(), func(d node.Damage) { got = append(got, d) })
	if err != nil || v.Bad != 1 || len(got) != 1 || got[0] != (node.Damage{Hash: "00", Error: "other bytes"}) {
		t.Errorf("%+v, %v, %v", v, got, err)
	}
}

func TestAPanicInACallFailsThatCallOnly(t *testing.T) {
	t.Parallel()
	p := peertest.New()
	p.Panics = true
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
