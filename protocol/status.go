package protocol

import (
	"errors"
	"strings"
	"unicode"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// statusOf is what strangers are told of err: the status, the words, and the better
// peer to ask. The words of errors that were not made for them are kept back: they
// may hold paths and other things of this machine.
func statusOf(err error) (status uint32, words string, better *pb.Peer) {
	var elsewhere *Elsewhere
	if errors.As(err, &elsewhere) {
		return elsewhere.Code.Wire(), clip(elsewhere.Msg), elsewhere.Better
	}
	var told *fault.Error
	if errors.As(err, &told) {
		return told.Code.Wire(), clip(told.Msg), nil
	}
	return fault.CodeOf(err).Wire(), "", nil
}

// clip makes words fit into an answer.
func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), MaxMessage)], "")
}

// oneLine takes out what would do something to a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// errorOf is the inverse: the error that a status from another peer stands for, nil for 0.
func errorOf(status uint32, words string, better *pb.Peer) error {
	if status == 0 {
		return nil
	}
	code := fault.FromWire(status)
	if words = oneLine(words); words == "" {
		words = code.Error()
	}
	if code == fault.NotOwner || code == fault.NotSuccessor {
		return &Elsewhere{Code: code, Better: better, Msg: words}
	}
	return &fault.Error{Code: code, Msg: words}
}
