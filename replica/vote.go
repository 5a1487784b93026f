package replica

// Vote is the answer of an owner's witness to a reader of a name: the grant that the witness has
// given, and the stamp of the greatest version that it has, "" for none.
type Vote struct {
	Grant GrantID
	Stamp string
}

// Settles reports whether a reader may be given what the owner has under the grant id, with the
// stamp of its greatest version. Both must have looked after the reader began, in either order.
// Then nothing was acknowledged before that under a later grant, the owner has all that was
// acknowledged under this one, and the witness has what is given, so that no later reader gets
// less.
func (v Vote) Settles(id GrantID, stamp string) bool {
	return id != GrantID{} && v.Grant == id && stamp <= v.Stamp
}

// Agrees reports whether owner and witness say the same: the grant id, and that stamp is that of
// the greatest version. Then the version needs no further confirmation. Settles doesn't show an
// owner that answers with an older version than the one that the witness has. Equal versions alone
// are not enough: a former owner and its former witness may both have the same old one.
func (v Vote) Agrees(id GrantID, stamp string) bool { return v.Settles(id, stamp) && stamp == v.Stamp }
