//go:build !windows

package process

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// A manager that reads nothing doesn't keep a command from ending. What fits into its queue
// arrives.
func TestServiceManagerThatReadsNothing(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := OpenServiceManager(func(name string) (string, bool) { return socket, name == "NOTIFY_SOCKET" })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sent := 0
	for dropped := false; !dropped; sent++ {
		began := time.Now()
		s.notify(fmt.Sprintf("STATUS=%d", sent))
		dropped = time.Since(began) >= notifyWithin
	}
	buf := make([]byte, 100)
	for i := range sent - 1 {
		if n, err := l.Read(buf); err != nil || string(buf[:n]) != fmt.Sprintf("STATUS=%d", i) {
			t.Fatalf("message %d: %q, %v", i, buf[:n], err)
		}
	}
	s.notify("STATUS=again")
	if n, err := l.Read(buf); err != nil || string(buf[:n]) != "STATUS=again" {
		t.Errorf("after it read: %q, %v", buf[:n], err)
	}
}

func TestWatchdogOfAnotherProcess(t *testing.T) {
	t.Parallel()
	for pid, want := range map[string]time.Duration{"": time.Second, "1": 0} {
		s := &ServiceManager{lookupEnv: func(name string) (string, bool) {
			v := map[string]string{"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": pid}[name]
			return v, v != ""
		}}
		if got := s.watchdog(); got != want {
			t.Errorf("WATCHDOG_PID %q: %v", pid, got)
		}
	}
}
