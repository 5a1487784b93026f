// Package walls holds the tests of the source itself: which packages must not import which,
// directly or through others; how errors and closers are used; that decision records are cited and
// listed correctly; and that comments and docs are narrow. It has no code of its own; nothing
// imports it.
package walls
