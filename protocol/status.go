package protocol

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// answerStatus is what an answer says of a failure, beside what it holds.
type answerStatus struct {
	status       uint32
	message      string
	better       *pb.Peer // with "not owner" and "not successor": who to ask instead, if known
	retryAfterMS uint32   // with "try again": how long to wait; 0 when that isn't known
}

// maxRetryAfter bounds how long another peer can make this one wait.
const maxRetryAfter = time.Minute

// statusOf returns what another peer gets of err. The messages of errors that were not made for
// others are kept back, because they may hold paths and other details of this machine; that of the
// kind takes their place.
func statusOf(err error) answerStatus {
	code := fault.CodeOf(err)
	a := answerStatus{status: code.Wire(), message: code.Error()}
	var elsewhere *Elsewhere
	var told *fault.Error
	switch {
	case errors.As(err, &elsewhere):
		a.status, a.better = elsewhere.Code.Wire(), elsewhere.Better
		a.message = clip(elsewhere.Error())
	case errors.As(err, &told):
		a.message = clip(told.Msg)
		a.retryAfterMS = uint32(min(fault.AfterOf(err), maxRetryAfter).Milliseconds())
	}
	return a
}

// clip makes a message fit into an answer.
func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), MaxMessage)], "")
}

// oneLine replaces characters that could control a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// errorOf is the inverse: the error that a status from another peer stands for, nil for 0.
func errorOf(a answerStatus) error {
	if a.status == 0 {
		return nil
	}
	code := fault.FromWire(a.status)
	message := oneLine(a.message)
	if message == "" {
		message = code.Error()
	}
	if code == fault.NotOwner || code == fault.NotSuccessor {
		return &Elsewhere{Code: code, Better: a.better, Msg: message}
	}
	e := &fault.Error{Code: code, Msg: message}
	if code == fault.TryAgain {
		e.After = min(time.Duration(a.retryAfterMS)*time.Millisecond, maxRetryAfter)
	}
	return e
}

// Told is what another peer gets of the error of a handler.
func Told(err error) error {
	if err == nil {
		return nil
	}
	return errorOf(statusOf(err))
}

// Elsewhere is the answer "not me": of the kind fault.NotOwner or fault.NotSuccessor,
// with the peer to ask instead. A handler returns one to send it; a Client returns
// one for such an answer. Find it with errors.As.
type Elsewhere struct {
	Code fault.Code // fault.NotOwner or fault.NotSuccessor
	// Better is who to ask instead, nil when not known. Received, it is a hint by a
	// stranger: ParsePeer it.
	Better *pb.Peer
	Msg    string // for people; may be empty
}

func (e *Elsewhere) Error() string {
	if e.Msg != "" {
		return e.Msg
	}
	return e.Code.Error()
}

// Unwrap makes errors.Is and fault.CodeOf see the kind.
func (e *Elsewhere) Unwrap() error { return e.Code }
