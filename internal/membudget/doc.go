// Package membudget bounds the memory that a process uses for blocks: one Budget for puts, gets,
// copies, and repairs. A request for more than is left waits in order.
//
// Requests have a Class, and the classes are ordered: an operation that holds memory of one class
// may wait, here or at another peer, for memory of a later class only. Each class has its own share
// that the others can't take, so the last class always makes progress, and with it the class before
// it. That holds across peers too, since all of them use the same order.
//
// An operation that needs several buffers at a time reserves the minimum that it needs at once
// (Reserve), and takes more only while there is more: it never holds a buffer while it waits for
// another.
package membudget
