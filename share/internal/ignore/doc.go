// Package ignore says which files of a shared folder are not shared: by their names, such as files
// that programs are still writing, and by the patterns of .p2pignore files, in the syntax of
// gitignore.
//
// It is pure: it reads no file. Patterns come from the user, and no pattern takes exponential time.
package ignore
