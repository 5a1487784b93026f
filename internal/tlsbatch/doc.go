// Package tlsbatch is libp2p's TLS with two differences that don't show on the wire: each Write
// makes one system call for all its records, and the certificate is valid by any clock.
//
// crypto/tls makes one system call for each record of 16 KiB, and every one of them costs a pass
// through the network stack and wakes the receiver. libp2p's own transport takes no template for
// its certificate, so the handshake is made here with libp2p's Identity.
//
// It dials and accepts no connection itself, and starts no goroutine. cork.mu is held while a batch
// is written to the connection below; no other lock is taken under it.
package tlsbatch
