//go:build !windows

package main

import (
	"os/exec"
	"sync"
)

// child is a process that a test started.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (c *child) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// children are the processes of all scripts, by a script's folder and the process's name.
var children = &family{m: map[[2]string]*child{}}

type family struct {
	mu sync.Mutex
	m  map[[2]string]*child
}

func (f *family) put(work, name string, c *child) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m[[2]string{work, name}] = c
}

func (f *family) get(work, name string) *child {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m[[2]string{work, name}]
}
