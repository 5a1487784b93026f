// Package localblocks has the bytes of blocks at this node. It answers requests for them, and takes
// in those that come with a record: it checks their number and their hash, and stages them in the
// store. Bytes of this node's own puts that are still in memory are used from there.
//
// It knows nothing of other peers and decides nothing about copies. The only process that it starts
// notes progress while TakeMemory waits, and ends before TakeMemory returns. Its locks guard one
// small state each, and are never held while another one is taken or a process waits.
package localblocks
