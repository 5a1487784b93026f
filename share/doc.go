// Package share is the watched folder of a node. It stores the files of that folder in the ring,
// under their paths relative to the folder. It only adds: a file that vanishes from the folder, or
// the whole folder, changes nothing in the ring.
//
// machine decides. It is pure: it gets what was seen in the folder and the time, and returns what
// to look at, store, ask, and remember. Folder carries that out. It watches and scans the folder,
// opens files through an os.Root, so no link leads out of it, and stores them through a Ring.
// memory keeps in the node's data folder which content of each file is stored, so a start reads no
// file again.
//
// The package never deletes, in the ring or in the folder. It doesn't speak libp2p. Between two
// looks it keeps nothing in the folder open, so that its disk can be unplugged.
//
// Folder owns all goroutines; Close ends them and waits. One, the loop, owns the machine. It takes
// calls from the others and never waits for them, the disk, or the ring. The mutexes of feed and of
// its watchers are held for a few lines; a watcher's is taken after the feed's.
package share
