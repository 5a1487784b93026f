// Package direct writes past the page cache (O_DIRECT), where the system can do that:
// large parts of files that nobody is about to read here. Their bytes go from the buffer
// to the disk. They need no fresh memory of the kernel, are not copied on the way, and
// push nothing out of the cache.
//
// It never makes anything durable: what has been written needs an fsync as always.
package direct

import "io"

// File is what is written to: an *os.File, or anything with a descriptor.
type File interface {
	io.WriterAt
	Fd() uintptr
}

// Alignment in bytes of the memory, the offset and the length of what can be written
// past the cache. A large allocation of Go's begins at such an address.
const Alignment = 4096

// least is the size in bytes from which it is worth three system calls.
const least = 256 << 10
