// Package sim runs whole rings in virtual time: 1 to 100 nodes on a virtual network, with
// virtual disks and clocks, under every misfortune that docs/replication.md makes promises about. A
// seed decides everything, so that a run that fails can be repeated, told and shortened.
//
// What is the product's own: ring.Machine and ring.View (joining, stabilization, suspicion,
// routing, who holds what) and replica (the Arc with its grants, claims and syncs, merging and
// admission of versions, the judgement of strays, the heirs of a leaver). What mirrors node,
// function by function and under the same names, is the carrying-out: loop, ringio, holder,
// owner, reader, reconcile, repair, strays, leave, and the users' operations. A change there
// has to be made here too. Each goroutine of node is a process here: a coroutine
// that waits in virtual time, one of which runs at a time.
//
// What differs from a real node: messages are Go values, nothing is signed or hashed, and a file is
// one block. Tombstones are not collected, there is no quarantine, and no put is retracted. The
// store is a disk that keeps the store's promises and loses what was not durable. The bootstrap peer
// introduces members, and can be reached by every node that can reach node 0.
//
// A Profile says which faults happen, and how often. In strict profiles P2 is promised, and the
// users' histories are checked for linearizability. In all of them nothing that was acknowledged may
// be lost, nothing that was replaced may come back, and no copy that is needed may be dropped. After
// a quiet time there is one ring with every file on exactly its holders.
//
// The package knows no libp2p and reads no clock. It starts no goroutines but coroutines, and all of
// them have ended when Run returns.
package sim
