package protocol

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Elsewhere is the answer "not me": of the kind fault.NotOwner or fault.NotSuccessor,
// with the peer to ask instead. A handler returns one to send it; a Client returns
// one for such an answer. Find it with errors.As.
type Elsewhere struct {
	Code fault.Code // fault.NotOwner or fault.NotSuccessor
	// Better is who to ask instead, nil when not known. Received, it is a hint by a
	// stranger: ParsePeer it.
	Better *pb.Peer
	Msg    string // for people; may be empty
}

func (e *Elsewhere) Error() string {
	if e.Msg != "" {
		return e.Msg
	}
	return e.Code.Error()
}

// Unwrap makes errors.Is and fault.CodeOf see the kind.
func (e *Elsewhere) Unwrap() error { return e.Code }
