// Package view makes the text that people see of results: a status, a file, a trace, connections, a
// network check, a watched folder.
//
// Its functions have no state, except for Watch, which keeps the files that it shows. Names that
// come from other peers can't add lines or control the terminal; see package textfmt. Scripts read
// JSON instead, which the verbs write themselves. The package starts no goroutine and holds no
// lock.
package view
