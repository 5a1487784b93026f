// Package blocks keeps blocks as files named by their hash: their paths, the folders for bytes that
// are being written and for bad blocks, and reading a file past the system's cache.
//
// It doesn't know which files the database names, and checks no hash: the store does. It starts no
// goroutine. Its one lock, of the folder of bad blocks, is the last to be taken.
package blocks
