package main

import "os"

// foreground is true: there are no jobs here.
func foreground(*os.File) (bool, error) { return true, nil }

func ignoreJobControl() {}

// onContinue returns a channel that tells nothing: a process is never stopped here.
func onContinue() (c chan os.Signal, stop func()) { return nil, func() {} }

func hangupIgnored() bool { return false }
