// Package replication is what one member of the ring does about files: it takes puts in as the
// owner of their places and as a holder, answers reads, witnesses its successor's arc, reconciles
// and repairs copies, fetches missing bytes, collects tombstones and orphaned blocks, keeps old
// copies in quarantine, and hands everything over when it leaves.
//
// Production and simulation run this very code. It knows the world through interfaces only: env.Env
// (time, processes, waiting), Ring (state of ring and arc), Peers, Router, Transport, BlockFinder,
// Store, and Folder. It has no go statements, channels, or timers; internal/walls holds that.
//
// What is decided is decided by package replica; what others own, by package ring. The package
// never talks to libp2p, a disk, or a user. A peer's claims are verified: records by their
// signatures, members by the ring, blocks by their hashes.
//
// A Node is made by New; Recall takes in what an earlier life has left. Then
//   - requests of other peers, and of this node itself, come in by Serve and Call;
//   - the loops of Processes run until the node ends;
//   - the event loop of package chord calls the methods of chord.ArcActions, each in a process of
//     its own: AskGrant, ConfirmGrant, AskClaim, Reconcile.
//
// All processes are started through env.Env, which knows when they have ended. Those that a request
// starts and doesn't await are copies under way to holders (sendCopy) and blocks that are given up
// (orphans.Collector.Serve).
//
// Each mutex guards one small state and is never held while another one is taken, while the store
// is asked, or while a process waits. The function that Store.Update is given runs inside the
// store's own lock: it takes none but those of releases and retractions, and must not wait.
//
// Parts that stand on their own are packages below this one, and don't import it. Some know no
// ring: records (what stored records mean), inventory (comparing what peers hold), localblocks
// (bytes at this node), fetch (bytes that are missing), foreground (pauses for users), clocks
// (which time counts), and retractions. The others work on snapshots of package chord: arc (may
// this node serve a key, and who holds copies), commit (later blocks before an acknowledgement),
// handover, quarantine, and the collection of tombstones and orphans.
package replication
