// Package logs sends what this program and its dependencies log through the output of the command.
//
// Both go-log and the standard library's log end there. Lines wait in the queues of
// console.Output, so logging never waits for a terminal or a pipe. The package starts no
// goroutine and holds no lock. go-log's settings belong to the process, so there is one Logs in it.
package logs
