package statement

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// checkContent checks what a statement says by itself.
func checkContent(c Content) error {
	switch c := c.(type) {
	case *Genesis:
		return checkGenesis(c)
	case *Grant:
		return checkGrant(c)
	case *Revoke:
		return checkRevoke(c)
	case *Invite:
		return checkInvite(c)
	case *Keys:
		switch {
		case c.Epoch == 0:
			return malformed("its epoch is 0")
		case c.AttachmentSize == 0 || c.AttachmentSize > MaxAttachment:
			return malformed("its attachment has %d bytes, not 1 to %d", c.AttachmentSize, MaxAttachment)
		}
	case *NewRoot:
		switch {
		case c.Order.Generation == 0:
			return malformed("the new root's generation is 0")
		case len(c.Approvals) == 0:
			return malformed("nobody has approved the new root")
		case !distinct(c.Approvals, func(a Approval) Key { return a.Key }):
			return malformed("a recovery key has approved the new root twice")
		case slices.ContainsFunc(c.Order.Cuts, func(cut Cut) bool { return cut.Issuer == c.Order.Root }):
			return malformed("it cuts off the root that it names")
		}
		return checkCuts(c.Order.Cuts)
	}
	return nil
}

func checkGenesis(c *Genesis) error {
	switch {
	case c.Name == "":
		return malformed("the network has no name")
	case !distinct(c.Recovery, func(k Key) Key { return k }):
		return malformed("it has a recovery key twice")
	case c.Quorum > len(c.Recovery) || (c.Quorum == 0) != (len(c.Recovery) == 0):
		return malformed("its quorum is %d of %d recovery keys", c.Quorum, len(c.Recovery))
	}
	return checkText("name", c.Name, MaxLabel)
}

func checkGrant(c *Grant) error {
	switch {
	case c.Peer.Key().IsZero():
		return malformed("its peer is not the peer ID of an Ed25519 key")
	case c.Roles == 0:
		return malformed("it grants no role")
	case c.Roles.Has(Admin) == c.StatementKey.IsZero():
		return malformed("a statement key goes with the role of an admin, and only with it")
	case c.StatementKey == c.Peer.Key():
		return malformed("its statement key is the key of the peer")
	case !c.Roles.Has(Store) && c.Place != "":
		return malformed("it gives a place on the ring to a peer that stores nothing")
	case len(c.SealKey) > MaxSealKey:
		return malformed("its sealing key has %d bytes, more than %d", len(c.SealKey), MaxSealKey)
	case len(c.NarrowedTo) != 0 && len(c.NarrowedTo) != narrowedSize:
		return malformed("it is narrowed to a hash of %d bytes, not %d", len(c.NarrowedTo), narrowedSize)
	}
	if err := checkText("place", c.Place, MaxPlace); err != nil {
		return err
	}
	return checkText("label", c.Label, MaxLabel)
}

func checkRevoke(c *Revoke) error {
	switch {
	case c.Peer == "" && len(c.Cuts) == 0:
		return malformed("it revokes nothing")
	case c.Peer != "" && c.Peer.Key().IsZero():
		return malformed("its peer is not the peer ID of an Ed25519 key")
	}
	if err := checkCuts(c.Cuts); err != nil {
		return err
	}
	return checkText("reason", c.Why, MaxWhy)
}

func checkInvite(c *Invite) error {
	switch {
	case c.Roles == 0:
		return malformed("it invites to no role")
	case !c.Roles.Has(Store) && c.Place != "":
		return malformed("it gives a place on the ring to a peer that stores nothing")
	case len(c.Check) != CheckSize:
		return malformed("its check has %d bytes, not %d", len(c.Check), CheckSize)
	}
	if err := checkText("place", c.Place, MaxPlace); err != nil {
		return err
	}
	return checkText("label", c.Label, MaxLabel)
}

func checkCuts(cuts []Cut) error {
	if !distinct(cuts, func(c Cut) Key { return c.Issuer }) {
		return malformed("it cuts off an issuer twice")
	}
	return nil
}

// checkText allows nothing that makes a line of a terminal or of a table look like another.
func checkText(what, s string, most int) error {
	if len(s) > most {
		return malformed("its %s has %d bytes, more than %d", what, len(s), most)
	}
	if !utf8.ValidString(s) || !printable(s) {
		return malformed("its %s %q has a character that can't be printed", what, s)
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func checkAttachment(c Content, attachment []byte) error {
	k, ok := c.(*Keys)
	switch {
	case !ok:
		return malformed("it has an attachment")
	case len(attachment) != k.AttachmentSize:
		return malformed("its attachment has %d bytes, not %d", len(attachment), k.AttachmentSize)
	case blake3sum.Sum(attachment) != k.AttachmentHash:
		return malformed("its attachment has another hash")
	}
	return nil
}

// verifyInner verifies the signatures inside a statement.
func (s *Statement) verifyInner() error {
	switch c := s.content.(type) {
	case *Grant:
		if len(c.Consent) > 0 && !c.Peer.Key().verify(consentText(s.network, s.issuer, c), c.Consent) {
			return malformed("the peer has not consented to it")
		}
	case *NewRoot:
		switch {
		case s.seq != 1:
			return malformed("it names a new root, but is number %d of its issuer", s.seq)
		case c.Order.Network != s.network:
			return malformed("its order is for another network")
		case c.Order.Root != s.issuer:
			return malformed("its order is for another root")
		}
		for _, a := range c.Approvals {
			if !a.Key.verify(text(RootDomain, c.order), a.Signature) {
				return malformed("a recovery key has not approved it")
			}
		}
	}
	return nil
}

// SealedKey is the copy of a data key for one peer.
type SealedKey struct {
	Peer   Peer
	Sealed []byte
}

// EncodeSealedKeys encodes the attachment of a Keys.
func EncodeSealedKeys(copies []SealedKey) []byte {
	m := new(pb.SealedKeys)
	for _, c := range copies {
		m.Copies = append(m.Copies, &pb.SealedKey{Peer: []byte(c.Peer), Sealed: c.Sealed})
	}
	return mustMarshal(m)
}

// ParseSealedKeys decodes the attachment of a Keys. Errors are of the kind fault.Integrity.
func ParseSealedKeys(attachment []byte) ([]SealedKey, error) {
	m := new(pb.SealedKeys)
	if len(attachment) > MaxAttachment || proto.Unmarshal(attachment, m) != nil {
		return nil, malformed("its sealed keys can't be decoded")
	}
	var out []SealedKey
	for _, c := range m.GetCopies() {
		if Peer(c.GetPeer()).Key().IsZero() || len(c.GetSealed()) == 0 {
			return nil, malformed("a sealed key has no peer, or no bytes")
		}
		out = append(out, SealedKey{Peer(c.GetPeer()), c.GetSealed()})
	}
	if !distinct(out, func(k SealedKey) Peer { return k.Peer }) {
		return nil, malformed("a peer has two sealed keys")
	}
	return out, nil
}

func distinct[T any, K comparable](all []T, key func(T) K) bool {
	seen := make(map[K]struct{}, len(all))
	for _, v := range all {
		seen[key(v)] = struct{}{}
	}
	return len(seen) == len(all)
}

// NewKeys returns what announces a data key, given its attachment.
func NewKeys(vault [VaultSize]byte, epoch uint32, attachment []byte) *Keys {
	return &Keys{Epoch: epoch, Vault: vault, AttachmentHash: blake3sum.Sum(attachment), AttachmentSize: len(attachment)}
}
