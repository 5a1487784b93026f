// Package localfile puts files of the ring on this machine's disk. Their names were chosen by
// others, and others may have put files into the folder: a name leads nowhere but below the folder
// that the user has named, no link of another user is followed, a file appears only when it is
// complete, and a command never overwrites its own files.
package localfile
