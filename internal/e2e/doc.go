// Package e2e holds the tests of the whole: the program as its users have it, in
// processes of its own with folders of their own on loopback, checked against computations that
// share no code with it. It exports nothing.
package e2e
