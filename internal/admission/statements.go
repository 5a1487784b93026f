package admission

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/admit"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// partSize is about how many bytes of statements go into one message, so that a peer that isn't
// admitted gets on with what it may send before it is.
const partSize = 32 << 10

// inParts calls send with some statements at a time, at least once; more says that there are
// further ones. A statement that is larger than a part goes alone.
func inParts(all [][]byte, send func(part [][]byte, more bool) error) error {
	for {
		n, size := 0, 0
		for n < len(all) && n < admit.MaxStatements && (n == 0 || size+len(all[n]) <= partSize) {
			size += len(all[n])
			n++
		}
		part := all[:n]
		all = all[n:]
		if err := send(part, len(all) > 0); err != nil || len(all) == 0 {
			return err
		}
	}
}

// issuerOf returns the issuer of an encoded statement of this peer's own set.
func issuerOf(raw []byte) (k statement.Key) {
	m, body := new(pb.Statement), new(pb.StatementBody)
	if proto.Unmarshal(raw, m) == nil && proto.Unmarshal(m.GetBody(), body) == nil {
		copy(k[:], body.GetIssuer())
	}
	return k
}

// bare returns an encoded statement without its attachment.
func bare(raw []byte) []byte {
	m := new(pb.Statement)
	if proto.Unmarshal(raw, m) != nil || len(m.GetAttachment()) == 0 {
		return raw
	}
	m.Attachment = nil
	out, err := proto.Marshal(m)
	if err != nil {
		return raw // two fields of bytes can always be encoded
	}
	return out
}

// missing returns the statements that a peer with these heads lacks, without attachments, which are
// asked for.
func (a *Admission) missing(theirs []network.Head) [][]byte {
	all := a.network.Missing(theirs)
	for i, raw := range all {
		all[i] = bare(raw)
	}
	return all
}

// chain returns the issuers on whom this peer's own grant depends.
func (a *Admission) chain() map[statement.Key]bool {
	out := make(map[statement.Key]bool)
	for _, raw := range a.network.Chain() {
		out[issuerOf(raw)] = true
	}
	return out
}

// headsOf returns what this peer has of some issuers.
func (a *Admission) headsOf(issuers map[statement.Key]bool) (out []network.Head) {
	for _, h := range a.network.Heads() {
		if issuers[h.Issuer] {
			out = append(out, h)
		}
	}
	return out
}

// ofIssuers returns the statements of some issuers that a peer with these heads lacks.
func (a *Admission) ofIssuers(issuers map[statement.Key]bool, theirs []network.Head) (out [][]byte) {
	for _, raw := range a.missing(theirs) {
		if issuers[issuerOf(raw)] {
			out = append(out, raw)
		}
	}
	return out
}

// revocations returns the statements that revoke a peer.
func (a *Admission) revocations(p peer.ID) (out [][]byte) {
	s := a.network.State()
	if s == nil {
		return nil
	}
	for _, id := range s.Revoked[statement.Peer(p)] {
		if raw := a.network.Statement(id); raw != nil {
			out = append(out, bare(raw))
		}
	}
	return out
}

// wanted returns the IDs of the statements of use whose attachments this peer lacks.
func (a *Admission) wanted() (out [][]byte) {
	s := a.network.State()
	if s == nil {
		return nil
	}
	for _, id := range s.LatestKeys() {
		m := new(pb.Statement)
		if len(out) < admit.MaxWanted && proto.Unmarshal(a.network.Statement(id), m) == nil && len(m.GetAttachment()) == 0 {
			out = append(out, id[:])
		}
	}
	return out
}
