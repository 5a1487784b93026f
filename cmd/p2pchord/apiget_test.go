//go:build !windows

package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// apiget NAME PATH [HEADER: VALUE]: asks the API's port of a node with its token; the
// answer's body goes to stdout. It fails when the status is no success.
func apiGet(ts *testscript.TestScript, neg bool, args []string) {
	m := regexp.MustCompile(`the API is on (http://\S+), with`).FindStringSubmatch(ts.ReadFile(args[0] + ".log"))
	if m == nil {
		ts.Fatalf("%s doesn't say where its API is", args[0])
	}
	req, err := http.NewRequest(http.MethodGet, m[1]+args[1], nil)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(filepath.Join(args[0], "api.token"))))
	for _, h := range args[2:] {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	defer client.CloseIdleConnections()
	began := time.Now()
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if good := resp.StatusCode < 300; good == neg {
		ts.Fatalf("status %d after %v: %s", resp.StatusCode, time.Since(began), body)
	}
	_, err = fmt.Fprintln(ts.Stdout(), string(body))
	ts.Check(err)
}
