// Package store is the durable local store of one node: entries in an embedded
// database, their blocks as files named by their hash, or in the database when small.
//
// # What is where
//
//	db/              the database (pebble without its own log) and journal.0, journal.1
//	blocks/ab/cdef…  a block, named by its hash in hexadecimal
//	staging/         bytes that are being written; emptied when the store is opened
//	bad/             blocks that failed their check, at most 16 of them, for inspection
//
// # How a change becomes durable
//
// One goroutine commits. It takes all waiting changes, combines them in the order of their arrival
// into one batch, appends the batch to the journal with one fsync, applies it to the database, and
// answers all of them. It never waits for more changes: those that arrive during one fsync share
// the next. The database is changed only after the journal is durable, so whatever can be read is
// durable. The database writes its own files in the background; a journal is used again when all
// that it holds is in them, and replayed at open otherwise.
//
// A block kept as a file follows the order of internal/durable, between two commits:
// the first notes the file as doubtful, then it is fsynced, renamed and its folder
// fsynced, and the second commits the entry, the block, and the end of the doubt. So
// a file that no entry names is always noted as doubtful: orphans are found without
// looking at anything else. A block that loses its last entry becomes doubtful in
// that same commit, and a background goroutine removes doubtful files.
//
// Large blocks, and blocks read once, go past the system's cache (O_DIRECT)
// where that is possible; it changes nothing about the order.
//
// # When the disk fails
//
// Bytes that can't be staged cause an error for their own caller only. A failed journal or database
// write fails the store (ErrFailed): nothing is acknowledged, nothing more is written,
// reads continue with what is durable, and opening the store again finds the old state or
// the new. So does a disk that can't be written at all. An fsync is never repeated after it
// failed. A Handle opens the store again while it is in use, once the disk can be written.
//
// # What it never does
//
// It knows neither versions nor peers nor the network, and never trusts the disk: a
// block is hashed before it is handed out. Goroutines (committing, removing, scrubbing)
// start in Open; Close waits for each of them.
//
// # Locks
//
// They are taken in this order: Handle.mu, reclaiming, those of blocks' hashes (in the order of the
// hashes), that of staged bytes, space, memory. None of the last three is held while a
// commit is awaited.
package store
