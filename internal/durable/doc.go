// Package durable holds the one order of system calls that makes files of this program durable, and
// the lock and format of a data folder.
//
// # The order
//
// A file appears under its name whole and durable, or not at all:
//
//  1. create a temporary file in the same file system (never over an existing one)
//  2. write all bytes
//  3. fsync the temporary file
//  4. rename it to its name
//  5. fsync the folder that holds the name
//
// Only then may anything refer to it: a record that names the file is committed after step 5. When
// a step fails nothing may be acknowledged, the temporary file is removed, and the same file is
// never fsynced again: after a failed fsync the kernel may drop the pages that it could not write
// and report success the next time. A crash before step 4 leaves a temporary file, which the owner
// of the folder removes when it opens the folder; between 4 and 5, the old file or the new.
//
// The package starts no goroutine and knows nothing about the content of the files.
package durable
