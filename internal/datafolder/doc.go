// Package datafolder recognizes the data folders of peers, and the secrets in them, so that
// they are never stored in a ring by mistake.
//
// A data folder is recognized by its format file, or, should that be missing, by a lock beside an
// identity. A secret is recognized by its content, wherever it is and whatever its name: anybody
// with the identity key of a peer can act as that peer.
package datafolder
