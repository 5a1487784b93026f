// Command p2pchord keeps files in a ring of peers, without a server.
//
// This package is flags, words and exit codes; one file a verb. What it says is a
// contract that scripts rely on, docs/cli.md: results go to stdout and nothing else
// does, messages and progress to stderr, an error is one line that says what
// failed, why, and what to do, and the exit code tells its kind (internal/fault).
//
// A verb works on a gateway.Ring and does not know whether that is a running node
// behind its socket, a node in this process (at the prompt of "node"), or a client
// that only passes through. Every goroutine here belongs to the verb that started
// it and ends with it, but for the one that waits for signals.
package main

import (
	"context"
	"os"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/logs"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:]))
}

// run carries out one command line of this process and returns its exit code.
func run(ctx context.Context, args []string) int {
	signals := process.CatchSignals()
	ctx, done := signals.Watch(ctx, process.All)
	defer done()
	out := console.New(os.Stdout, os.Stderr)
	a := &app{
		stdin: os.Stdin, out: out, lookupEnv: os.LookupEnv, signals: signals,
		logs: &logs.Logs{LookupEnv: os.LookupEnv, Out: out},
	}
	if console.IsTerminal(os.Stderr) {
		_ = a.logs.Set("") // it fails for wrong levels only
	}
	return a.run(ctx, args)
}
