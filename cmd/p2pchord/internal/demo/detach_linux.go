package demo

import (
	"os/exec"
	"syscall"
)

// detach makes a process of the demo one that the terminal's Ctrl-C doesn't reach:
// the demo ends it. It ends with the demo in any case, unless it is to be kept.
func detach(cmd *exec.Cmd, keep bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !keep {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
}
