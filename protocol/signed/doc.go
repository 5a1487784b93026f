// Package signed makes, signs, and verifies what peers say of themselves and of files: the
// description of a peer with its ring address, and the records of files and blocks. SPEC.md has the
// rules; names, stamps, and positions on the ring belong to them.
//
// It sends nothing and knows no stream. It starts no goroutine. What was verified lately is
// remembered in two bounded tables of the process, each with a lock that is held for a few lines.
package signed
