//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const unitFolder = "../../deploy/systemd"

// units are the services, and the kind of peer that each runs.
var units = map[string]string{"p2pchord.service": "node", "p2pchord-bootstrap.service": "bootstrap"}

// unit is what a test needs of a systemd unit.
type unit struct{ values map[string][]string }

func readUnit(t *testing.T, file string) unit {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	u := unit{map[string][]string{}}
	for l := range strings.SplitSeq(string(b), "\n") {
		if k, v, ok := strings.Cut(l, "="); ok && !strings.HasPrefix(l, "#") {
			u.values[k] = append(u.values[k], v)
		}
	}
	return u
}

func (u unit) get(t *testing.T, key string) string {
	t.Helper()
	if len(u.values[key]) != 1 {
		t.Fatalf("%s is there %d times", key, len(u.values[key]))
	}
	return u.values[key][0]
}

// serviceRun is a peer that a unit's command line started, with the test as its systemd.
type serviceRun struct {
	t      *testing.T
	cmd    *exec.Cmd
	socket *net.UnixConn
}

// start runs ExecStart as systemd would. root is where the package is installed: its /usr and /etc
// are there. state is what StateDirectory stands for. The watchdog wants to hear of it within the
// time.
func (u unit) start(t *testing.T, root, state string, within time.Duration, env ...string) *serviceRun {
	t.Helper()
	if u.get(t, "Type") != "notify" {
		t.Error("it doesn't report to systemd when it serves")
	}
	words := strings.Fields(u.get(t, "ExecStart"))
	for i, w := range words {
		if strings.HasPrefix(w, "/") {
			w = root + w
		}
		words[i] = strings.ReplaceAll(w, "${STATE_DIRECTORY}", state)
	}
	path := filepath.Join(t.TempDir(), "n")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(words[0], words[1:]...)
	// As in a unit there is no HOME.
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "NOTIFY_SOCKET=" + path, "STATE_DIRECTORY=" + state,
		fmt.Sprintf("WATCHDOG_USEC=%d", within.Microseconds()),
	}, env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &serviceRun{t, cmd, l}
}

// next returns the next report of the peer.
func (s *serviceRun) next() string {
	s.t.Helper()
	buf := make([]byte, 4096)
	n, err := s.socket.Read(buf)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(buf[:n])
}

// served waits until the peer serves and shows that it lives.
func (s *serviceRun) served() {
	s.t.Helper()
	if got := s.next(); !strings.HasPrefix(got, "READY=1\nSTATUS=serves as 12D3KooW") {
		s.t.Fatalf("first %q", got)
	}
	for range 3 {
		if got := s.next(); got != "WATCHDOG=1" {
			s.t.Errorf("then %q", got)
		}
	}
}

// stop ends the peer as systemd does.
func (s *serviceRun) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	for got := s.next(); !strings.HasPrefix(got, "STOPPING=1\nEXTEND_TIMEOUT_USEC="); got = s.next() {
		if got != "WATCHDOG=1" {
			s.t.Errorf("while it ends %q", got)
		}
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Error(err)
	}
}

// Each unit's command line runs a peer that reports to systemd. The package's config file is
// the one it reads.
func TestThePeersOfTheUnits(t *testing.T) {
	t.Parallel()
	for file, kind := range units {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			place(t, root, "usr/bin/p2pchord")
			config, err := os.ReadFile("../../deploy/package/config.toml")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(placeFor(t, root, "etc/p2pchord/config.toml"), config, 0o600); err != nil {
				t.Fatal(err)
			}
			u := readUnit(t, filepath.Join(unitFolder, file))
			s := u.start(t, root, filepath.Join(root, "state"), 200*time.Millisecond, "P2PCHORD_LISTEN=/ip4/127.0.0.1/tcp/0", "P2PCHORD_MDNS=false")
			s.served()
			s.stop()
		})
	}
}

func placeFor(t *testing.T, root, name string) string {
	t.Helper()
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

// place puts the program there.
func place(t *testing.T, root, name string) {
	t.Helper()
	self, err := exec.LookPath("p2pchord")
	if err != nil {
		t.Fatal(err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		t.Fatal(err)
	}
	// The test's own program is p2pchord when it is called so; a link keeps the name.
	if err := os.Symlink(self, placeFor(t, root, name)); err != nil {
		t.Fatal(err)
	}
}

// TestUnitsAreRight lets systemd read the units, and count what they leave open.
func TestUnitsAreRight(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze (Debian: systemd)")
	}
	root := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for file := range units {
		b, err := os.ReadFile(filepath.Join(unitFolder, file))
		if err != nil {
			t.Fatal(err)
		}
		// It looks whether the program is there; here it is another one.
		text := strings.ReplaceAll(string(b), "ExecStart=/usr/bin/p2pchord", "ExecStart="+program)
		copied := filepath.Join(root, file)
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(analyze, "verify", "--man=no", copied).CombinedOutput(); err != nil || strings.Contains(string(out), file) {
			t.Errorf("systemd-analyze verify %s: %v\n%s", file, err, out)
		}
		// From 0.0, all is closed, to 10.0. The threshold is in tenths.
		if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=15", "--no-pager", copied).CombinedOutput(); err != nil {
			if strings.Contains(string(out), "unrecognized option") {
				t.Skip("systemd-analyze is older than 250")
			}
			t.Errorf("%s leaves too much open: %v\n%s", file, err, out)
		}
	}
}

// A unit with a fault would pass, if nothing were found.
func TestAUnitWithAFaultIsFound(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze (Debian: systemd)")
	}
	bad := filepath.Join(t.TempDir(), "bad.service")
	if err := os.WriteFile(bad, []byte("[Service]\nType=notfy\nExecStart=/none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", bad).CombinedOutput(); err == nil && !strings.Contains(string(out), "bad.service") {
		t.Errorf("nothing is wrong: %s", out)
	}
}
