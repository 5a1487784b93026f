//go:build !windows

package datafolder

import "syscall"

// nonblock keeps an open from waiting at a named pipe.
const nonblock = syscall.O_NONBLOCK
