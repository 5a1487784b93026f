package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// What a user asks for.
type wish struct {
	name  string
	write bool
	value uint64 // of a write; 0 deletes
}

// What the user is told.
type outcome struct {
	value  uint64 // of a read; 0: not found
	absent bool   // a delete found nothing
}

// history is what the users saw.
type history struct {
	operations []porcupine.Operation
	maybe      int // writes without an answer
	failed     int // reads without an answer, which tell nothing, and writes that were refused
	refused    int // of them, those writes
}

// note adds an operation, unless its outcome tells nothing. A write without an answer may take
// effect at any later time.
func (h *history) note(client int, call, end time.Duration, req wish, ans outcome, err error) {
	o := porcupine.Operation{ClientId: client, Input: req, Output: ans, Call: int64(call), Return: int64(end)}
	switch {
	case err == nil:
	case !req.write, fault.CodeOf(err) == fault.NotAllowed:
		h.failed++
		if req.write {
			h.refused++
		}
		return
	default:
		h.maybe++
		o.Return = math.MaxInt64
	}
	h.operations = append(h.operations, o)
}

// register is the model of one name: it holds the value written last.
var register = porcupine.Model{
	Init: func() any { return uint64(0) },
	Step: func(state, input, output any) (bool, any) {
		req, ans := input.(wish), output.(outcome) //nolint:forcetypeassert // see note
		switch {
		case req.write && ans.absent:
			return state == uint64(0), state
		case req.write:
			return true, req.value
		default:
			return state == ans.value, state
		}
	},
}

// byName returns the operations of each name, in the order of the names.
func (h *history) byName() [][]porcupine.Operation {
	var names []string
	parts := map[string][]porcupine.Operation{}
	for _, o := range h.operations {
		name := o.Input.(wish).name //nolint:forcetypeassert // see note
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

// linearizable checks P2: each name is a register whose operations take effect at one
// moment between call and answer.
func (h *history) linearizable() error {
	for _, ops := range h.byName() {
		if porcupine.CheckOperationsTimeout(register, ops, 20*time.Second) == porcupine.Illegal {
			return fmt.Errorf("%w:%s", errP2, describe(ops))
		}
	}
	return nil
}

func describe(ops []porcupine.Operation) string {
	var b strings.Builder
	for _, o := range ops {
		req, ans := o.Input.(wish), o.Output.(outcome) //nolint:forcetypeassert // see note
		end := "?"
		if o.Return != math.MaxInt64 {
			end = fmt.Sprintf("%.3f", time.Duration(o.Return).Seconds())
		}
		what := fmt.Sprintf("get -> %d", ans.value)
		if req.write {
			what = fmt.Sprintf("put %d absent=%v", req.value, ans.absent)
		}
		fmt.Fprintf(&b, "\n  %s client %d [%.3f, %s] %s", req.name, o.ClientId, time.Duration(o.Call).Seconds(), end, what)
	}
	return b.String()
}
