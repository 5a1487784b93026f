// Package orphans removes later blocks that no version of their file uses any more: those that it
// finds in the store, and those that their writers retract after a put that failed.
//
// It decides nothing: replica.Orphan says what an orphan is. The owner of the file names the
// versions. While it is asked, package retractions keeps commits from counting on the blocks. The
// package has no lock. Run is one process; Serve starts others through env.Env, which bound
// themselves in time.
package orphans
