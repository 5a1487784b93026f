// Package notify collects the changes in a folder that the system reports.
//
// It is a hint and no more: where the system can't report changes, Problems says why, and whoever
// uses it has to look at the folder at intervals. It reads no file. New starts one goroutine, for
// which Close waits. Notifier.mu is held for a few lines, and while watches are removed.
package notify
