package linearizability

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Request is what a client asks for.
type Request struct {
	Name  string
	Write bool
	Value uint64 // of a write; 0 deletes
}

// Response is what a client is told.
type Response struct {
	Value  uint64 // of a read; 0: not found
	Absent bool   // a delete found nothing
}

// History is what the clients saw. The zero History is empty.
type History struct {
	Maybe   int // writes without an answer
	Refused int // writes that were refused

	operations []porcupine.Operation
}

// Len is how many operations the history has.
func (h *History) Len() int { return len(h.operations) }

// Add adds an operation, unless its outcome tells nothing. A write without an answer may take
// effect at any later time.
func (h *History) Add(client int, call, end time.Duration, req Request, resp Response, err error) {
	o := porcupine.Operation{ClientId: client, Input: req, Output: resp, Call: int64(call), Return: int64(end)}
	switch {
	case err == nil:
	case !req.Write, fault.CodeOf(err) == fault.NotAllowed:
		if req.Write {
			h.Refused++
		}
		return
	default:
		h.Maybe++
		o.Return = math.MaxInt64
	}
	h.operations = append(h.operations, o)
}

// register is the model of one name: it holds the value written last.
var register = porcupine.Model{
	Init: func() any { return uint64(0) },
	Step: func(state, input, output any) (bool, any) {
		req, resp := input.(Request), output.(Response) //nolint:forcetypeassert // see Add
		switch {
		case req.Write && resp.Absent:
			return state == uint64(0), state
		case req.Write:
			return true, req.Value
		default:
			return state == resp.Value, state
		}
	},
}

// byName returns the operations of each name, in the order of the names.
func (h *History) byName() [][]porcupine.Operation {
	var names []string
	parts := map[string][]porcupine.Operation{}
	for _, o := range h.operations {
		name := o.Input.(Request).Name //nolint:forcetypeassert // see Add
		if parts[name] == nil {
			names = append(names, name)
		}
		parts[name] = append(parts[name], o)
	}
	slices.Sort(names)
	out := make([][]porcupine.Operation, len(names))
	for i, n := range names {
		out[i] = parts[n]
	}
	return out
}

// Check returns an error that lists the operations of a name for which it is not linearizable. A
// name that takes too long to check passes.
func (h *History) Check() error {
	for _, ops := range h.byName() {
		if porcupine.CheckOperationsTimeout(register, ops, 20*time.Second) == porcupine.Illegal {
			return errors.New(describe(ops))
		}
	}
	return nil
}

func describe(ops []porcupine.Operation) string {
	var b strings.Builder
	for _, o := range ops {
		req, resp := o.Input.(Request), o.Output.(Response) //nolint:forcetypeassert // see Add
		end := "?"
		if o.Return != math.MaxInt64 {
			end = fmt.Sprintf("%.3f", time.Duration(o.Return).Seconds())
		}
		what := fmt.Sprintf("get -> %d", resp.Value)
		if req.Write {
			what = fmt.Sprintf("put %d absent=%v", req.Value, resp.Absent)
		}
		fmt.Fprintf(&b, "\n  %s client %d [%.3f, %s] %s", req.Name, o.ClientId, time.Duration(o.Call).Seconds(), end, what)
	}
	return b.String()
}
