package demo

import (
	"os/exec"
	"syscall"
)

// detach keeps the terminal's Ctrl-C from a process of the demo, which the demo ends itself. Unless
// it is to be kept, the process ends with the demo in any case.
func detach(cmd *exec.Cmd, keep bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !keep {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
}
