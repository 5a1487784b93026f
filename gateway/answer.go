package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/safetext"
)

// Problem is a failure as it travels: the inside of {"error":{...}}.
type Problem struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
}

// ProblemOf describes err for a user: one line, and one of the kinds that users see.
func ProblemOf(err error) Problem {
	code := fault.CodeOf(err)
	message := err.Error()
	switch {
	case fault.OutOfFiles(err):
		code = fault.NoSpace
		if !strings.Contains(message, fault.MoreFiles) {
			message += ": " + fault.MoreFiles
		}
	case code == fault.Failed && errors.Is(err, context.DeadlineExceeded):
		code = fault.TryAgain
	case code == fault.Failed && errors.Is(err, context.Canceled):
		code = fault.Interrupted
	case code.Exit() == fault.TryAgain.Exit():
		code = fault.TryAgain // the answers between peers are all "try again" to a user
	}
	return Problem{Code: code, Message: OneLine(message)}
}

// Err makes the problem an error of its kind again.
func (p Problem) Err() error {
	code := fault.Parse(string(p.Code))
	if p.Message == "" {
		return code
	}
	return fault.New(code, "%s", p.Message)
}

// OneLine returns s on one line, without anything that a terminal would obey or that hides or
// reorders what is shown: it might come from another peer.
func OneLine(s string) string { return strings.TrimSpace(safetext.Line(s)) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // who asked has gone, and there is nobody to tell
}

func writeError(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	if fault.OutOfFiles(err) {
		w.Header().Set("Connection", "close") // so that others can be answered
	}
	writeJSON(w, p.Code.HTTP(), map[string]Problem{"error": p})
}
