// Package fileid tells one content of a file from another by what the system says of the file:
// change time, inode number, and device. Each function has a fallback for systems that don't say.
package fileid
