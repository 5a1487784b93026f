package process

import "os"

// Foreground returns true: Windows has no job control.
func Foreground(*os.File) (bool, error) { return true, nil }

// IgnoreJobControl does nothing: no terminal stops a process on Windows.
func IgnoreJobControl() {}

// OnContinue returns a nil channel: Windows stops no process.
func OnContinue() (c chan os.Signal, stop func()) { return nil, func() {} }

// HangupIgnored returns false: Windows has no SIGHUP to ignore.
func HangupIgnored() bool { return false }
