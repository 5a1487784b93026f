// Package virtualnet is a network in virtual time: the transport of internal/chord and
// internal/replication between peers of a simulation.
//
// Each message takes its own time, so messages overtake each other, and may be lost or come twice.
// A link may be cut in one direction. Requests have the semantics of package protocol: bytes that
// are only offered are sent when they are read; a peer may work for as long as it makes progress;
// one that gives no sign of life is unreachable; a peer whose process was killed breaks off what
// was asked of it. Messages stay protobuf messages and are not encoded.
//
// A [Node] is an identity with an address. It outlives the lives of its peer, each of which begins
// with [Node.Listen]. A [Book] is what one life knows of the others' descriptions, which are really
// signed.
//
// The package never decides what a request means, and knows no host of libp2p. It belongs to the
// goroutine of the world and starts none; its processes are those of its peers. The one lock guards
// the keys that all worlds have in common, and nothing waits under it.
package virtualnet
