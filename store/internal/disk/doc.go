// Package disk is what the store needs of a file system: what an error of the disk means, folders
// whose names are durable, and reads and writes past the system's cache.
//
// It knows neither blocks nor the database, keeps no file open, and starts no goroutine. Heat has a
// lock of its own, and takes no other while it holds it.
package disk
