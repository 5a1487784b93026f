package replica

// Word is what a node says of a name as the witness of its owner: the grant that it has given,
// and the stamp of the greatest version that it has, "" for none.
type Word struct {
	Grant GrantID
	Stamp string
}

// Settles reports whether a reader may be given what the owner has under the grant id, with the stamp
// of its greatest version. Both must have looked after the reader began, in either order: then
// nothing can have been acknowledged before that under a later grant, the owner has all that was
// under this one, and the witness has what is given, so that no later reader gets less.
func (w Word) Settles(id GrantID, stamp string) bool {
	return id != GrantID{} && w.Grant == id && stamp <= w.Stamp
}
