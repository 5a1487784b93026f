package demo

import (
	"os/exec"
	"syscall"
)

// detach makes a process of the demo one that the terminal's Ctrl-C doesn't reach:
// the demo ends it.
func detach(cmd *exec.Cmd, _ bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
