package network

import "github.com/p2pchord/p2pchord/network/statement"

// Place returns where on the ring a peer belongs at a time, in milliseconds since 1970: the ring
// address, HOST:PORT, that it is granted. It is false for peers that must not be in the ring. The
// place comes from an admin, or with an invitation, never from the peer: a peer that could choose
// it could surround a file with peers of its own.
func (st *State) Place(p statement.Peer, nowMS uint64) (string, bool) {
	m, ok := st.Members[p]
	return m.Place, ok && m.Place != "" && m.May(EnterRing, nowMS)
}

// MayWrite reports whether a peer may put records at a time, in milliseconds since 1970.
func (st *State) MayWrite(p statement.Peer, nowMS uint64) bool {
	m, ok := st.Members[p]
	return ok && m.May(WriteFiles, nowMS)
}
