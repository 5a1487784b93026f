package process

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

// notifyWithin is how long the manager may take to read a message.
const notifyWithin = time.Second

// ServiceManager reports the state of a long-running command to systemd, by the protocol of
// sd_notify(3): datagrams to the Unix socket that NOTIFY_SOCKET names. It does nothing where nobody
// listens.
//
// Package daemon of github.com/coreos/go-systemd/v22 (checked: v22.7.0) doesn't replace it. That
// opens a socket for each message, so a node without free descriptors would miss its watchdog and
// be killed, and it waits without a limit while the manager reads nothing.
type ServiceManager struct {
	lookupEnv func(string) (string, bool)

	conn net.Conn // nil when nobody listens
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// OpenServiceManager connects to the manager that started the process, if there is one. With an
// error it returns a ServiceManager too, which does nothing.
func OpenServiceManager(lookupEnv func(string) (string, bool)) (*ServiceManager, error) {
	s := &ServiceManager{lookupEnv: lookupEnv, stop: func() {}}
	path, ok := lookupEnv("NOTIFY_SOCKET")
	if !ok || path == "" {
		return s, nil
	}
	if strings.HasPrefix(path, "@") {
		path = "\x00" + path[1:] // an abstract one
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return s, fmt.Errorf("can't report to the service manager: %w", err)
	}
	s.conn = conn
	return s, nil
}

func (s *ServiceManager) notify(lines ...string) {
	if s.conn == nil {
		return
	}
	for i := range lines {
		lines[i] = safetext.Line(lines[i]) // a line break would begin another statement
	}
	// Don't wait for a manager that reads nothing.
	_ = s.conn.SetWriteDeadline(time.Now().Add(notifyWithin))
	_, _ = s.conn.Write([]byte(strings.Join(lines, "\n"))) // the manager may be gone
}

// Ready reports that the command serves. If the manager wants a watchdog, it then reports at
// intervals that the process lives, as long as alive returns nil in time.
func (s *ServiceManager) Ready(status string, alive func(context.Context) error) {
	s.notify("READY=1", "STATUS="+status)
	every := s.watchdog()
	if s.conn == nil || every == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			check, done := context.WithTimeout(ctx, every)
			if alive(check) == nil {
				s.notify("WATCHDOG=1")
			}
			done()
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// watchdog is how often to report that the process lives: half of the time after which the manager
// would kill it. 0 means never.
func (s *ServiceManager) watchdog() time.Duration {
	if pid, ok := s.lookupEnv("WATCHDOG_PID"); ok && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	v, _ := s.lookupEnv("WATCHDOG_USEC")
	usec, err := strconv.ParseInt(v, 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

// Stopping reports that the command ends, and how long that may take.
func (s *ServiceManager) Stopping(within time.Duration) {
	s.notify("STOPPING=1", fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()))
}

// Close ends the reports.
func (s *ServiceManager) Close() {
	s.stop()
	s.wg.Wait()
	if s.conn != nil {
		_ = s.conn.Close() // everything has been sent
	}
}
