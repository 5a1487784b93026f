// Package upgrade turns relayed connections of a host into direct ones: by a dial within the local
// network, or by punching a hole with libp2p's DCUtR.
//
// It makes no relayed connection, and closes one only when a direct one has replaced it.
//
// An Upgrader owns one goroutine and one for each try under way, at most 8. They end with the
// context of Start, and Close waits for them. Only the first touches the state of the tries, so an
// Upgrader has no lock. Log.mu is held for a few lines.
package upgrade
