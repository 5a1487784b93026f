// Package records is what the store's records mean: it decodes them, names them, merges versions of
// a file, chooses the version that a reader gets, and computes with spans of keys.
//
// It is pure: no clock, no I/O, no goroutine, no lock, and nothing that lasts from one call to the
// next. It does not verify signatures. What it is given was verified when it came in.
package records
