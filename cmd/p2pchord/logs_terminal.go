package main

import (
	"io"
	"net/url"
	"os"
	"sync"

	"go.uber.org/zap"

	"github.com/p2pchord/p2pchord/internal/safetext"
)

// terminalSink is the address, for the logs, of a stderr that is a terminal: what libp2p logs there
// has text of other peers in it.
var terminalSink = sync.OnceValue(func() string {
	const scheme = "p2pchord-terminal"
	err := zap.RegisterSink(scheme, func(*url.URL) (zap.Sink, error) { return safeSink{os.Stderr}, nil })
	if err != nil {
		panic(err) // it is registered once, and the name is valid
	}
	return scheme + ":stderr"
})

// safeSink writes log lines as text that is safe to show.
type safeSink struct{ w io.Writer }

func (s safeSink) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.w, safetext.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (safeSink) Sync() error  { return nil }
func (safeSink) Close() error { return nil }
