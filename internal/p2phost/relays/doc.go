// Package relays lets a host hold slots at relays, and be a relay for others: whom it serves, how
// much it carries, and how that is shared.
//
// It decides about no connection: libp2p's circuit relay does. A peer that has used up its
// allowance is slowed down and never cut off.
//
// WhileReachable starts one goroutine, which ends with its context; the goroutines of a relay are
// libp2p's, and closing the relay ends them. A stream that waits for its turn holds the lock of its
// peer's turn and no other. meter.mu and allowances.mu are held for a few lines.
package relays
