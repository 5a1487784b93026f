// Package walls holds the test that keeps the rooms apart: which may not import what,
// directly or through other rooms. It has no code of its own; nothing imports it.
package walls
