package main

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

// service tells systemd how a long-running command is, by the protocol of
// sd_notify(3): datagrams to the Unix socket that NOTIFY_SOCKET names. Where nobody
// listens it does nothing.
//
// Package daemon of github.com/coreos/go-systemd/v22 (checked: v22.7.0) doesn't replace it. It opens a
// socket for each message, so a node without free descriptors would miss its watchdog and be killed,
// and it waits without a limit while the manager reads nothing.
type service struct {
	app  *app
	conn net.Conn
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// openService connects to the manager that started the process, if there is one.
func (a *app) openService() *service {
	s := &service{app: a, stop: func() {}}
	path, ok := a.lookupEnv("NOTIFY_SOCKET")
	if !ok || path == "" {
		return s
	}
	if strings.HasPrefix(path, "@") {
		path = "\x00" + path[1:] // an abstract one
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		a.out.Warn("can't tell the service manager how it goes: %v", err)
		return s
	}
	s.conn = conn
	return s
}

func (s *service) notify(lines ...string) {
	if s.conn == nil {
		return
	}
	for i := range lines {
		lines[i] = safetext.Line(lines[i]) // a line break would begin another statement
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(notifyWithin)) // a manager that reads nothing is not waited for
	_, _ = s.conn.Write([]byte(strings.Join(lines, "\n")))    // a manager that has gone needs no news
}

// ready says that the command serves. From then on it says at intervals that the
// process lives, if the manager wants to know, as long as alive doesn't fail within the time.
func (s *service) ready(status string, alive func(context.Context) error) {
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

// watchdog is how often the manager wants to hear of the process: half of the
// time after which it would kill it; 0 for never.
func (s *service) watchdog() time.Duration {
	if pid, ok := s.app.lookupEnv("WATCHDOG_PID"); ok && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	v, _ := s.app.lookupEnv("WATCHDOG_USEC")
	usec, err := strconv.ParseInt(v, 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

// stopping says that the command ends, which may take so long.
func (s *service) stopping(within time.Duration) {
	s.notify("STOPPING=1", fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", (within+answersEnd).Microseconds()))
}

func (s *service) close() {
	s.stop()
	s.wg.Wait()
	if s.conn != nil {
		_ = s.conn.Close() // there is nothing left to tell
	}
}
