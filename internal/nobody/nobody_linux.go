// Package nobody lets a test that runs as root do something as an unprivileged user.
package nobody

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// ID is the user and the group that Do acts as.
const ID = 65534

// Do calls fn with the rights in the file system of the user nobody, or of the test's own user when
// that isn't root. Only what fn does in its own goroutine is meant.
func Do(t testing.TB, fn func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		fn()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_ = unix.Setfsgid(ID)  // these two report no failure
		_ = unix.Setfsuid(ID)
		fn()
	}()
	<-done
}
