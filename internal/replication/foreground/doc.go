// Package foreground keeps repair from slowing down users: while bytes move for a put or a get,
// repair does one thing at a time and pauses after it.
//
// It moves no bytes itself and starts no process.
package foreground
