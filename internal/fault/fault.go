// Package fault holds the one table of failures: each code with its status on the wire, its exit
// code, and its HTTP status. It never logs and imports no other package of this module.
//
// An error has one kind: the Code of the outermost Error in it. Codes of its causes are hidden,
// so that errors.Is(err, code) and CodeOf(err) == code agree: a "try again" whose cause is an
// "unreachable" is no "unreachable". This module asks with CodeOf; internal/walls checks that.
// Callers of its public packages may use errors.Is.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Code names a kind of failure as the JSON of the command line shows it.
type Code string

// The codes. A Code is itself an error, so that it can be a sentinel of a public package.
const (
	Failed      Code = "failed"       // anything not named below
	Usage       Code = "usage"        // wrong flags, arguments or input
	NotFound    Code = "not_found"    // no such file in the ring
	Unreachable Code = "unreachable"  // no running node, or no peer could be reached
	TryAgain    Code = "try_again"    // can't tell now: the ring is changing
	Integrity   Code = "integrity"    // the bytes that arrived are not those that were stored
	NoSpace     Code = "no_space"     // no space, or over a limit
	NotAllowed  Code = "not_allowed"  // refused by a rule
	FewerCopies Code = "fewer_copies" // stored, with fewer copies than asked for
	Interrupted Code = "interrupted"  // the user ended it
	// The codes below are answers between peers; users see them as TryAgain.

	NotOwner     Code = "not_owner"     // the key belongs to another node, which the answer names
	NotSuccessor Code = "not_successor" // the asker isn't the successor of the node asked
	Refused      Code = "refused"       // the witness does not accept under that grant
	Busy         Code = "busy"          // in the middle of a step
	// some copies may be durable; the same request may be repeated
	Uncertain Code = "uncertain"
)

// Error makes a Code an error of its own kind.
func (c Code) Error() string { return row(c).words }

type entry struct {
	code  Code
	wire  uint32
	exit  int
	http  int
	words string
}

// table is the only place that has the numbers. Wire statuses are part of protocol/SPEC.md and
// never change.
var table = []entry{
	{Failed, 1, 1, 500, "failed"},
	{Usage, 2, 2, 400, "wrong usage"},
	{NotFound, 3, 3, 404, "no such file"},
	{Unreachable, 4, 4, 503, "no peer could be reached"},
	{TryAgain, 5, 5, 503, "can't tell now, try again"},
	{Integrity, 6, 6, 502, "integrity: what arrived is not what was stored"},
	{NoSpace, 7, 7, 507, "no space"},
	{NotAllowed, 8, 8, 403, "not allowed"},
	{FewerCopies, 9, 9, 200, "stored with fewer copies than asked for"},
	{Interrupted, 10, 130, 499, "interrupted"},
	{NotOwner, 11, 5, 503, "the key belongs to another peer"},
	{NotSuccessor, 12, 5, 503, "not the successor"},
	{Refused, 13, 5, 503, "refused by the witness"},
	{Busy, 14, 5, 503, "busy"},
	{Uncertain, 15, 5, 503, "uncertain whether it is stored"},
}

func row(c Code) entry {
	for _, e := range table {
		if e.code == c {
			return e
		}
	}
	return table[0]
}

// Wire is the code's status on the wire; 0 is success and no Code.
func (c Code) Wire() uint32 { return row(c).wire }

// Exit is the code's exit status of the command line.
func (c Code) Exit() int { return row(c).exit }

// HTTP is the code's HTTP status.
func (c Code) HTTP() int { return row(c).http }

// FromWire returns the code with wire status w, and Failed for a status unknown here.
func FromWire(w uint32) Code {
	for _, e := range table {
		if e.wire == w {
			return e.code
		}
	}
	return Failed
}

// Parse returns the code with the name s, and Failed for a name unknown here.
func Parse(s string) Code { return row(Code(s)).code }

// Error is a failure of a kind with a message for the user: what failed, why, what to do.
type Error struct {
	Code Code
	Msg  string
	Err  error // the cause, or nil
	// After is how long to wait before a retry; 0 when that isn't known.
	After time.Duration
}

// New returns an error of kind c.
func New(c Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: c, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// Later returns an error of kind TryAgain with the time to wait.
func Later(after time.Duration, format string, args ...any) error {
	return &Error{Code: TryAgain, Msg: fmt.Sprintf(format, args...), After: after}
}

// AfterOf is how long to wait before a retry of what failed with err; 0 when that isn't known.
func AfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.Code == TryAgain {
		return e.After
	}
	return 0
}

func (e *Error) Error() string { return e.Msg }

// Unwrap returns the kind and the cause, whose own kind is hidden.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, cause{e.Err}}
}

// cause is an error without its kind.
type cause struct{ error }

// Is reports whether errors.Is finds target, which is not a Code, in the cause.
func (c cause) Is(target error) bool {
	_, code := target.(Code) //nolint:errorlint // target is compared as it is
	return !code && errors.Is(c.error, target)
}

// As finds errors in the cause that are neither a Code nor an Error.
func (c cause) As(target any) bool {
	switch target.(type) {
	case *Code, **Error:
		return false
	default:
		return errors.As(c.error, target)
	}
}

// CodeOf returns the kind of err: the outermost Code in it, Failed when there is
// none. CodeOf(nil) is the empty Code.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return Failed
}
