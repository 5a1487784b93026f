package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// The outermost kind is the only one, whichever way it is asked for; other causes are found.
func TestAnErrorHasOneKind(t *testing.T) {
	t.Parallel()
	type other struct{ error }
	owner := fault.New(fault.Unreachable, "the owner: %w", other{io.EOF})
	wrapped := fault.New(fault.TryAgain, "try again: %w", fmt.Errorf("asking: %w", owner))
	bare := fault.New(fault.TryAgain, "try again: %w", fault.Unreachable)
	for _, err := range []error{wrapped, fmt.Errorf("outside: %w", wrapped), bare} {
		if fault.CodeOf(err) != fault.TryAgain || !errors.Is(err, fault.TryAgain) || errors.Is(err, fault.Unreachable) {
			t.Errorf("%v: kind %s, or the kind of its cause", err, fault.CodeOf(err))
		}
		var code fault.Code
		if !errors.As(err, &code) || code != fault.TryAgain {
			t.Errorf("%v: As finds %s", err, code)
		}
	}
	var o other
	if !errors.Is(wrapped, owner) || !errors.As(wrapped, &o) {
		t.Error("the cause isn't found")
	}
}
