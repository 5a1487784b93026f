//go:build race && !windows

package socket

import (
	"runtime"
	"unsafe"
)

// socketSync stands for the order that a socket creates: what was done before bytes were written
// happens before what is done after they have been read. The race detector knows this of read and
// write, but not of recvmsg.
var socketSync byte

func beforeWrite() { runtime.RaceReleaseMerge(unsafe.Pointer(&socketSync)) } //nolint:gosec // an address, for the detector
func afterRead()   { runtime.RaceAcquire(unsafe.Pointer(&socketSync)) }      //nolint:gosec // an address, for the detector
