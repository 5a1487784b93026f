// Package statement makes, signs, and verifies the statements of a private network: who began it,
// who is a member, who no longer is, who may invite, which data keys are in use.
//
// A Statement can be had in two ways only, from New or from Parse, so every Statement is signed,
// within its limits, and well formed by itself. Whether it has an effect depends on others: package
// network decides that.
//
// The signed bytes are kept as they came. Fields of a later version inside them therefore stay
// valid, and a statement of a later kind keeps its place in its issuer's history without having an
// effect.
//
// The package does no I/O, reads no clock, and starts no goroutine.
package statement
