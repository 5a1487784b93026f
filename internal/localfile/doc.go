// Package localfile puts files of the ring on this machine's disk. Their names were chosen by
// others, and so may have been what is in the folder already: a name leads nowhere but below the
// folder that the user has named, no link of another user is followed, a file appears only when
// it is whole, and one command never overwrites what it wrote itself.
package localfile
