// Package sim runs whole rings in virtual time: 1 to 100 nodes on a virtual network, with
// virtual disks and clocks, under every misfortune that docs/replication.md makes promises about. A
// seed decides everything, so that a run that fails can be repeated, explained, and shortened.
//
// The nodes run the product: ring and replica decide, internal/chord and internal/replication carry
// out. This package gives them what they need of the world, and what happens to it:
//
//   - processes and clocks in virtual time, from internal/env/virtual;
//   - a network that delays, loses, and doubles messages, from internal/virtualnet;
//   - a disk that is slow, full, or damaged, and loses what was not durable in a power cut,
//     from internal/virtualdisk, and the small files of the data folder on it, from
//     internal/virtualfolder;
//   - users, who put, overwrite, read, and delete files of one or several blocks, with a client of
//     their own that sends the requests of protocol/SPEC.md.
//
// Not covered are package node (how a node starts, the standby that its failing disk puts it on)
// and internal/transfer (the client of production), the encoding of messages, connections, the
// store on a real disk, and the limits on memory and traffic. The bootstrap peer introduces
// members, and can be reached by every node that can reach node 0.
//
// A Profile says which faults happen, and how often. In strict profiles P2 is promised, and the
// users' histories are checked for linearizability. In all of them nothing that was acknowledged
// may be lost, nothing that was replaced or deleted may come back, no copy that is needed may be
// dropped, and the blocks of no file go. After a quiet time there is one ring with every file on
// exactly its holders.
//
// Some profiles have private rings: peers join by invitations, and are revoked. The statements of
// the network spread from peer to peer with the messages that pass between them. Who has heard of a
// revocation has no use for that peer, no file of a member may be lost by it, and what it wrote
// afterwards doesn't count. The virtual network connects no peers of which one doesn't admit the
// other, as package internal/admission does in production.
//
// The package knows no host of libp2p, reads no clock of the system, and has no locks. A run starts
// no goroutines but coroutines, and all of them have ended when it returns.
package sim
