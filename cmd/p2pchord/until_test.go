//go:build !windows

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// untilexits CODE PROGRAM ARGS...: the program is run again until it ends with that exit code.
func untilExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		got := 0
		var exit *exec.ExitError
		if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never %d, now %d\nstdout: %s\nstderr: %s", want, got, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

// scrape SOCKET FILE: what the node of that socket answers to GET /metrics.
func scrape(ts *testscript.TestScript, _ bool, args []string) {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", ts.MkAbs(args[0]))
		},
	}}
	resp, err := client.Get("http://p2pchord/metrics")
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}
