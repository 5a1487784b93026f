// Package console is the one place of the command that writes to stdout and stderr.
//
// Output keeps the contract of docs/cli.md: results go to stdout, and messages, progress, and
// errors to stderr. It shows a progress line, and at the end of a terminal a block of lines
// that change. What people see goes through package safetext. Package console knows neither flags
// nor verbs, and reads nothing.
//
// Output is safe for concurrent use. The display's mutex is held while a line is written; the
// meter's mutex is taken after it and never held while something is written. After Queue, lines
// wait in two queues, one for each stream, so that a full pipe or a stopped terminal holds up the
// goroutines of the queues and nothing else. StartProgress starts the goroutine that draws, and
// EndProgress ends it.
package console
