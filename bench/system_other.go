//go:build !linux

package main

import (
	"runtime"
	"syscall"
	"time"
)

func childAttributes() *syscall.SysProcAttr { return nil }

// peakOf returns 0, for "not known": only Linux reports it for a running process.
func peakOf(int) int64 { return 0 }

func cpuOf(int) time.Duration { return 0 }

func childrenOf(int) []int { return nil }

func loadAverage() string { return "unknown" }

func cpuName() string { return runtime.GOARCH }

func system() string { return runtime.GOOS }

func fileSystem(string) string { return "unknown file system" }
