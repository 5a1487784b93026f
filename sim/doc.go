// Package sim runs many nodes of the shipped ring.Machine and replica.Arc on a virtual network, disk and clock,
// every event in an order that one seed decides, and checks what must hold: the ring's invariant, that no acknowledged
// version is lost, that reads are linearizable where that is promised, and that everything is in its place when the faults end.
//
// The decisions are the product's own code. How node/ carries them out (put, get, sync, repair, strays, leave) is mirrored here step by step,
// for node/ does it with real sockets, files and goroutines; where node/ has a pure function, that is used.
//
// It never imports libp2p, opens no socket or file, and reads no clock. Processes within the simulation are goroutines of which
// one runs at a time; a run waits for all of them before it ends.
package sim
