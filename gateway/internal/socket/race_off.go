//go:build !race && !windows

package socket

func beforeWrite() {}
func afterRead()   {}
