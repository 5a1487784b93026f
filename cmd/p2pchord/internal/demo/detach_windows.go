package demo

import (
	"os/exec"
	"syscall"
)

// detach keeps the terminal's Ctrl-C from a process of the demo, which the demo ends itself.
func detach(cmd *exec.Cmd, _ bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
