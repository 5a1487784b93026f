package main

import (
	"net/url"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
)

// logTo is what takes a line of the log; nil before setLogs.
var logTo atomic.Pointer[func(string)]

// logSink is the address, for go-log, of logTo: what is logged waits in the queues of the output,
// so that whoever logs never waits for a terminal or a pipe.
var logSink = sync.OnceValue(func() string {
	const scheme = "p2pchord-log"
	err := zap.RegisterSink(scheme, func(*url.URL) (zap.Sink, error) { return sink{}, nil })
	if err != nil {
		return "" // it is registered once, so this can't be
	}
	return scheme + ":"
})

// sink hands each line that is written to logTo. Its methods never fail.
type sink struct{}

func (sink) Write(line []byte) (int, error) {
	if to := logTo.Load(); to != nil {
		(*to)(string(line))
	}
	return len(line), nil
}

func (sink) Sync() error  { return nil }
func (sink) Close() error { return nil }
