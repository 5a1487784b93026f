//go:build !windows

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// foreground reports whether this process may use the terminal tty: no other job of its shell is in the
// foreground. A terminal that isn't this process's own has no jobs. The error says that it has gone.
func foreground(tty *os.File) (bool, error) {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	switch {
	case errors.Is(err, unix.ENOTTY):
		return true, nil
	case err != nil:
		return false, err
	}
	return group == unix.Getpgrp(), nil
}

// ignoreJobControl keeps a terminal from stopping this process when it writes to it, or reads from
// it, as a job in the background. A read fails with EIO then.
func ignoreJobControl() { signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU) }

// onContinue returns a channel that tells when the process goes on after it was stopped.
func onContinue() (c chan os.Signal, stop func()) {
	c = make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGCONT)
	return c, func() { signal.Stop(c) }
}

// hangupIgnored reports whether the process was started to outlive its terminal, as by nohup.
func hangupIgnored() bool { return signal.Ignored(syscall.SIGHUP) }
