// Package direct reads and writes large parts of files past the page cache (O_DIRECT),
// where the system can do that. The bytes go between the caller's memory and the disk.
// They need no fresh memory of the kernel, are not copied on the way, and push nothing
// out of the cache.
//
// It never makes anything durable: an fsync is needed as always.
package direct

import "io"

// File is a file to write to: an *os.File, or anything with a descriptor.
type File interface {
	io.WriterAt
	Fd() uintptr
}

// Source is a file to read from.
type Source interface {
	io.Reader
	Fd() uintptr
}

// Alignment, in bytes, of memory, offset, and length for writes past the cache. A large allocation
// in Go begins at such an address.
const Alignment = 4096

// step is the number of bytes that are read from the disk at a time.
const step = 1 << 20

// narrow is the same for a reader whose caller has little memory.
const narrow = 128 << 10

// least is the size in bytes from which direct I/O is worth three system calls.
const least = 256 << 10
