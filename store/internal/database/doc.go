// Package database opens the store's embedded database, pebble without its own log, and stops it
// when a write fails. It holds what the store relies on in pebble that pebble doesn't promise. Its
// tests fail when an upgrade changes any of it:
//
//   - A batch encodes itself in one form, which the journal keeps on the disk (PayloadOf).
//   - The file whose name tells which other file counts is "marker.NAME.NUMBER.VALUE"; the new
//     one is made before the old one is removed, with no fsync of the folder between (isMarker).
//   - Without a write-ahead log it makes the log's file nevertheless, and leaves it empty (isLog).
//   - An fsync of its folder that fails when a marker has changed is a panic (Open,
//     guardedFolder).
//
// It doesn't know what is in the database, and syncs nothing on its own: the store's journal makes
// changes durable. Its goroutines are pebble's, and end with Close. Pebble is
// asked for its next compaction without the lock of the compactions.
package database
