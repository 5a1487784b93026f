// Command p2pchord keeps files in a ring of peers, without a server.
//
// This package has the verbs, one file each (cmd_put.go ...), the command tree in root.go, and
// connect.go, which finds what a verb works on. What a verb is made of is in the packages below
// internal: settings and flags give it its options, userfiles its files, prompt its input, and
// view, textfmt, and console its output.
//
// Scripts rely on docs/cli.md: results, and nothing else, go to stdout; messages and progress go to
// stderr; an error is one line that says what failed, why, and what to do; the exit code tells its
// kind (package fault).
//
// A verb works on a gateway.Ring. It doesn't know whether that is a running node behind its socket,
// a node in this process (at the prompt of "node"), or a passing client. Every goroutine belongs to
// the verb that started it and ends with it, except the one that waits for signals.
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
