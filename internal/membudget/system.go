package membudget

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/pbnjay/memory"
)

// The default size of a budget is a part of the memory that the process may use, up to a bound
// that is enough for transfers to run at full speed.
const (
	defaultPart = 8
	defaultMost = 64 << 20
)

// Default is the size in bytes of the budget of a process without a setting.
func Default() int64 { return max(Least, min(Available()/defaultPart, defaultMost)) }

// Available is how many bytes of memory this process may use: what the machine has, or the
// limit of its control group.
func Available() int64 {
	all := int64(math.MaxInt64)
	if n := memory.TotalMemory(); n > 0 && n < math.MaxInt64 {
		all = int64(n)
	}
	return min(all, groupLimit())
}

// SetRuntimeLimit tells the Go runtime to stay within the limit of the control group, with a
// margin for what the runtime doesn't count. A limit that the user has set by GOMEMLIMIT stays, and
// without a control group there is none.
func SetRuntimeLimit() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		return
	}
	if limit := groupLimit(); limit < math.MaxInt64 {
		debug.SetMemoryLimit(runtimeLimit(limit))
	}
}

// runtimeLimit leaves a tenth, and 24 MiB at least, to what the runtime doesn't count: the program
// itself, and the system's cache.
func runtimeLimit(group int64) int64 {
	const margin = 24 << 20
	return max(group/2, group-max(group/10, margin))
}
