// Package prompt reads commands from a terminal: line editing, history, and completion.
//
// A Prompt doesn't know the commands; Config.Execute carries them out. The terminal is raw only
// while a line is edited. While a command runs, Ctrl-C is SIGINT and ends that command. A prompt in
// the background of its shell leaves the terminal alone.
//
// Run starts a goroutine that notices when the process was stopped and continues, and waits for it.
// Prompt.mu guards the state of the terminal, and is held while that is changed.
package prompt
