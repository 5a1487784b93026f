// Package userfiles is about the files on this machine that put reads and get writes.
//
// ListSources finds what the arguments of a put stand for, and refuses what must not be stored
// before anything is sent: names that the ring doesn't take, and what belongs to a peer. Save
// writes a fetched file through package localfile, which lets it appear whole or not at all. The
// package never writes to the terminal.
//
// Source.Open starts a goroutine for stdin alone. It may outlive the command, because a read of a
// stdin that gives nothing can't be interrupted.
package userfiles
