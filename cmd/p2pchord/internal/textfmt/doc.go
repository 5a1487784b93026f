// Package textfmt writes values as people read them: sizes, times, peer IDs, tables.
//
// It only makes text, and never writes it anywhere. What comes from other peers is cleaned by
// package safetext before it becomes part of a Page, so no name can add a line of its own.
package textfmt
