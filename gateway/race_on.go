//go:build race && !windows

package gateway

import (
	"runtime"
	"unsafe"
)

// socketSync stands for the order that a socket makes: what was done before bytes were
// written happens before what is done after they have been read. The race detector
// knows that of read and write, but not of recvmsg.
var socketSync byte

func beforeWrite() { runtime.RaceReleaseMerge(unsafe.Pointer(&socketSync)) } //nolint:gosec // an address, for the detector
func afterRead()   { runtime.RaceAcquire(unsafe.Pointer(&socketSync)) }      //nolint:gosec // an address, for the detector
