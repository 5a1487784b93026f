package web

import (
	"encoding/json"
	"net/http"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// JSON answers with v.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // it fails when the client has gone
}

// Error answers with the problem that err is, and its HTTP status.
func Error(w http.ResponseWriter, err error) {
	p := api.ProblemOf(err)
	if fault.OutOfFiles(err) {
		w.Header().Set("Connection", "close") // so that others can be answered
	}
	JSON(w, p.Code.HTTP(), map[string]api.Problem{"error": p})
}

// Answer answers with v, or with err if it isn't nil.
func Answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		Error(w, err)
		return
	}
	JSON(w, http.StatusOK, v)
}
