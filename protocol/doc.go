// Package protocol is what p2pchord peers say to each other: the protocol IDs, the messages
// (package pb), and the typed client and server over libp2p streams. SPEC.md says the same for
// people who write a peer in another language, and testdata holds byte-exact examples.
//
// It believes nobody. Messages are bounded in size and time and checked for shape before a handler
// or a caller sees them. ParsePeer recomputes keys and checks the signatures of what is said about
// peers, VerifyRecord those of what is said about files. A *pb.Peer or a *pb.Record out of a
// message goes through these two before it is used.
//
// It never decides anything about the ring or about files, keeps nothing but idle streams, and
// imports neither node nor store. Errors carry the kinds of internal/fault over the wire in both
// directions.
//
// Beneath it are package signed (records and descriptions of peers) and, for its own use, wire (a
// stream with deadlines and limits), frame (encoding), check (shapes of messages), and admission
// (whose requests are handled first). exports.go has the names of these packages that belong to
// this one's API.
//
// Goroutines: a Service owns those of its streams; Close removes the handler, cancels, and waits
// for them. A Client starts one, which closes idle streams, and one for each stream that it ends;
// its Close ends and awaits them.
//
// Locks: one goroutine reads a stream and one writes it. While a handler runs, exchange.mu is held
// for each message that is written. Service.mu, Client.mu, and pool.mu are held for a few lines,
// and no other lock is taken under them.
package protocol
