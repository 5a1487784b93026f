package web

import (
	stdlog "log"
	"strings"
	"syscall"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"golang.org/x/time/rate"

	"github.com/p2pchord/p2pchord/internal/fault"
)

var log = golog.Logger("gateway")

// repeatAfter is how often the log says that no connections can be accepted.
const repeatAfter = time.Minute

// serverLog receives what net/http logs about a server.
type serverLog struct {
	full rate.Sometimes // logs that no descriptors are left
}

// ServerLog returns the ErrorLog of an http.Server.
func ServerLog() *stdlog.Logger {
	return stdlog.New(&serverLog{full: rate.Sometimes{Interval: repeatAfter}}, "", 0)
}

// Write logs a line. net/http reports with each attempt that the process has no file descriptors
// left.
func (l *serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if !strings.Contains(text, syscall.EMFILE.Error()) && !strings.Contains(text, syscall.ENFILE.Error()) {
		log.Warnw(text)
		return len(line), nil
	}
	l.full.Do(func() { log.Errorw("the local API can't accept connections: " + fault.MoreFiles) })
	return len(line), nil
}
