package gateway

import (
	stdlog "log"
	"strings"
	"sync"
	"syscall"
	"time"

	golog "github.com/ipfs/go-log/v2"

	"github.com/p2pchord/p2pchord/internal/fault"
)

var log = golog.Logger("gateway")

// sayAgain is how often it is logged that no connections can be taken.
const sayAgain = time.Minute

// serverLog takes what net/http logs of a server.
type serverLog struct {
	mu   sync.Mutex
	said time.Time
}

func newServerLog() *stdlog.Logger { return stdlog.New(&serverLog{}, "", 0) }

// Write logs a line. That the process has no file descriptors left net/http says with each attempt.
func (l *serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if !strings.Contains(text, syscall.EMFILE.Error()) && !strings.Contains(text, syscall.ENFILE.Error()) {
		log.Warnw(text)
		return len(line), nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.said) > sayAgain {
		l.said = time.Now()
		log.Errorw("the local API can't take connections: " + fault.MoreFiles)
	}
	return len(line), nil
}
