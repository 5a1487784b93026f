// Package journal is the store's write-ahead log: it makes the changes of one commit durable with
// one fsync, before the database has them.
//
// It doesn't know what its payloads mean, and never repeats a write or an fsync that failed. It
// starts no goroutine and has no lock: the goroutine that commits owns it.
package journal
