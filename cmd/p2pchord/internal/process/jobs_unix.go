//go:build !windows

package process

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Foreground reports whether this process may use the terminal tty: no other job of its shell is in
// the foreground. A terminal that isn't this process's own has no jobs. It fails when the terminal
// is gone.
func Foreground(tty *os.File) (bool, error) {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	switch {
	case errors.Is(err, unix.ENOTTY):
		return true, nil
	case err != nil:
		return false, err
	}
	return group == unix.Getpgrp(), nil
}

// IgnoreJobControl keeps a terminal from stopping this process when, as a job in the background, it
// reads from it or writes to it. Such a read fails with EIO.
func IgnoreJobControl() { signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU) }

// OnContinue returns a channel that reports when the process continues after it was stopped.
func OnContinue() (c chan os.Signal, stop func()) {
	c = make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGCONT)
	return c, func() { signal.Stop(c) }
}

// HangupIgnored reports whether the process was started to outlive its terminal, as with nohup.
func HangupIgnored() bool { return signal.Ignored(syscall.SIGHUP) }
