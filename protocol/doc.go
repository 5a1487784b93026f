// Package protocol is what p2pchord peers say to each other: the protocol IDs, the
// messages (package pb), their framing and limits, and the typed client and server
// over libp2p streams. SPEC.md tells the same to people who write a peer in another
// language, and testdata holds byte-exact examples.
//
// It believes nobody. Messages are bounded in size and time and checked for shape
// before a handler or a caller sees them; ParsePeer recomputes keys and checks
// signatures of what is said about peers, VerifyRecord those of what is said about
// files. Whoever takes a *pb.Peer or a *pb.Record out of a message puts it through
// these two before using it.
//
// It never decides anything about the ring or about files, keeps nothing but idle
// streams, and imports neither node nor store. Errors carry the kinds of
// internal/fault over the wire in both directions.
//
// A Service owns the goroutines of its streams: Close removes the handler, cancels,
// and waits for them. A Client starts one goroutine, which closes idle streams; its
// Close ends and awaits that.
package protocol
