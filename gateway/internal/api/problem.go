package api

import (
	"context"
	"errors"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/safetext"
	"github.com/p2pchord/p2pchord/internal/steady"
)

// Problem is a failure as it travels: the inside of {"error":{...}}.
type Problem struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	// Reason tells failures of one code apart that a program treats differently. Most have none.
	Reason string `json:"reason,omitempty"`
}

// ReasonFileChanged is the reason of steady.ErrChanged: a local file changed while the node read
// it.
const ReasonFileChanged = "file_changed"

// ProblemOf describes err for a user: on one line, with one of the codes that users see.
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
		code = fault.TryAgain // to a user, the answers between peers are all "try again"
	}
	p := Problem{Code: code, Message: OneLine(message)}
	if errors.Is(err, steady.ErrChanged) {
		p.Reason = ReasonFileChanged
	}
	return p
}

// Err returns the problem as an error with its code. With ReasonFileChanged it wraps
// steady.ErrChanged.
func (p Problem) Err() error {
	code := fault.Parse(string(p.Code))
	if p.Message == "" {
		return code
	}
	if p.Reason == ReasonFileChanged {
		return &fault.Error{Code: code, Msg: p.Message, Err: steady.ErrChanged}
	}
	return fault.New(code, "%s", p.Message)
}

// OneLine returns s on one line, without anything that a terminal would obey, or that hides or
// reorders what is shown. Other peers may have written s.
func OneLine(s string) string { return strings.TrimSpace(safetext.Line(s)) }

// Stored reports whether a put that ended with err has stored the file, perhaps with fewer copies.
func Stored(err error) bool { return err == nil || fault.CodeOf(err) == fault.FewerCopies }
