// Package retractions remembers which later blocks their writers have retracted, and about which
// blocks this node is asking just now whether a version uses them.
//
// It removes nothing and asks nobody. It starts no process. Its only lock guards the two lists, and
// is held while nothing else is called.
package retractions
