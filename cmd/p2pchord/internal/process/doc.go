// Package process is what a command that keeps running, or a prompt, has to do with the system
// around it: signals, the shell's job control, the service manager, and the file that says that a
// peer is ready. It knows neither verbs nor nodes.
//
// CatchSignals starts one goroutine, which ends with the process. Signals.mu is held for a few
// lines; the functions of OnExit are called without it. OnHangup and ServiceManager.Ready start one
// goroutine each: stop and Close wait for it.
package process
