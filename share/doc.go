// Package share is the watched folder of a node: files dropped into it are stored in
// the ring by themselves, under their paths relative to the folder. It only ever adds:
// a file that vanishes from the folder, or the whole folder, changes nothing in the ring.
//
// machine decides. It is pure: fed with what was seen in the folder and a clock, it
// says what to look at, to store, to ask and to remember. Folder carries that out: it
// watches and scans DIR, opens files through an os.Root, so that no link leads out of
// it, and stores them through a Ring. memory keeps in the node's data folder which
// content of each file is stored, so that a start reads no file again.
//
// The package never deletes, neither in the ring nor in the folder, never speaks
// libp2p, and never holds the folder open between two looks, so that its disk can be
// unplugged. Folder owns all goroutines; Close ends them and waits.
package share
