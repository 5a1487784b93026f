package web

import (
	"net/http"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// Contain has next answer a request. A panic fails this request and no other.
func Contain(next http.Handler, w http.ResponseWriter, r *http.Request) {
	t := &trackedWriter{ResponseWriter: w}
	aborted := false
	err := contain.Run("the local API", func() error {
		defer func() {
			if v := recover(); v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it in the same way
				aborted = true
			} else if v != nil {
				panic(v)
			}
		}()
		next.ServeHTTP(t, r)
		return nil
	})
	switch {
	case aborted, err != nil && t.begun:
		panic(http.ErrAbortHandler) // makes net/http break the connection
	case err != nil:
		Error(w, fault.New(fault.Failed, "a bug of the program ended this call, its stack is in the node's log: %w", err))
	}
}

// trackedWriter records whether an answer has begun.
type trackedWriter struct {
	http.ResponseWriter
	begun bool
}

// Unwrap is for http.ResponseController.
func (t *trackedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader begins the answer.
func (t *trackedWriter) WriteHeader(status int) {
	t.begun = true
	t.ResponseWriter.WriteHeader(status)
}

// Write continues the answer.
func (t *trackedWriter) Write(p []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(p)
}
