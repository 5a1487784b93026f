// Package tombstones removes the tombstones of deleted files when every holder has had them for
// long enough: at the other holders first, then at the owner.
//
// It decides nothing: replica.Grace says how long. The owner notes since when all holders have each
// tombstone of its arc, and keeps that for its next life. A holder removes a tombstone only when
// its owner asks for it, and when it is old enough by the holder's own clock. The package starts no
// process. Its only lock guards the notes, and is held while nothing else is called.
package tombstones
