// Package schema has the tables of the store's database: how entries, blocks, sums and counters are
// encoded as rows, and how they are read.
//
// It never writes and never opens the database. It has neither goroutines nor locks.
package schema
