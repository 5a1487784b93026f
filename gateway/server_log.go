package gateway

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

// sayAgain is how often it is logged that no connections can be taken.
const sayAgain = time.Minute

// serverLog takes what net/http logs of a server.
type serverLog struct {
	full rate.Sometimes // says that no descriptors are left
}

func newServerLog() *stdlog.Logger {
	return stdlog.New(&serverLog{full: rate.Sometimes{Interval: sayAgain}}, "", 0)
}

// Write logs a line. That the process has no file descriptors left net/http says with each attempt.
func (l *serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if !strings.Contains(text, syscall.EMFILE.Error()) && !strings.Contains(text, syscall.ENFILE.Error()) {
		log.Warnw(text)
		return len(line), nil
	}
	l.full.Do(func() { log.Errorw("the local API can't take connections: " + fault.MoreFiles) })
	return len(line), nil
}
