//go:build !windows

package main

import (
	"encoding/json"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonenv VAR FIELD: the variable gets a field of the JSON object on stdout.
func jsonEnv(ts *testscript.TestScript, _ bool, args []string) {
	var v map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	text, ok := v[args[1]].(string)
	if !ok {
		ts.Fatalf("there is no %s in %v", args[1], v)
	}
	ts.Setenv(args[0], text)
}
