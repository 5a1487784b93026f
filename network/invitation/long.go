package invitation

import (
	"bytes"
	"encoding/base32"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// Prefix begins a long code and tells its version.
const Prefix = "p2pj1"

// Limits of a long code.
const (
	MaxAddresses   = 8
	maxAddressSize = 256
	maxCode        = 4096
	sumSize        = 4
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Code is a long code.
type Code struct {
	Secret    Secret
	Network   statement.NetworkID
	Addresses [][]byte // encoded multiaddrs of peers to join through, which nobody has checked
}

// Long returns the text of a long code: letters and digits without spaces. It leaves out what is
// more than MaxAddresses.
func (c Code) Long() string {
	m := &pb.InvitationCode{Secret: c.Secret[:], Network: c.Network[:], Addresses: c.Addresses[:min(len(c.Addresses), MaxAddresses)]}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // fields of bytes can always be encoded
	}
	sum := blake3sum.Sum(raw)
	return Prefix + base32Lower.EncodeToString(append(raw, sum[:sumSize]...))
}

// IsLong reports whether a text looks like a long code, not a short one.
func IsLong(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) >= len(Prefix) && strings.EqualFold(text[:len(Prefix)], Prefix)
}

// ParseLong reads a long code, in upper or lower case. White space within it, as mail programs add,
// is ignored. Errors are of the kind fault.Usage.
func ParseLong(text string) (Code, error) {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	encoded, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return Code{}, fault.New(fault.Usage, "the code doesn't begin with %q: copy it whole", Prefix)
	}
	if len(encoded) > maxCode {
		return Code{}, fault.New(fault.Usage, "the code is too long: it has more than %d characters", maxCode)
	}
	raw, err := base32Lower.DecodeString(encoded)
	if err != nil || len(raw) < sumSize || base32Lower.EncodeToString(raw) != encoded {
		return Code{}, incomplete()
	}
	body := raw[:len(raw)-sumSize]
	sum := blake3sum.Sum(body)
	if !bytes.Equal(sum[:sumSize], raw[len(body):]) {
		return Code{}, incomplete()
	}
	return decode(body)
}

func incomplete() error {
	return fault.New(fault.Usage, "the code is damaged or not complete: copy all of it, from %q to its end", Prefix)
}

func decode(body []byte) (c Code, err error) {
	m := new(pb.InvitationCode)
	switch {
	case proto.Unmarshal(body, m) != nil,
		len(m.GetSecret()) != SecretSize, len(m.GetNetwork()) != len(c.Network), len(m.GetAddresses()) > MaxAddresses:
		return c, fault.New(fault.Usage, "the code is not one that this version of p2pchord can read: update it, or ask for a short code")
	}
	copy(c.Secret[:], m.GetSecret())
	copy(c.Network[:], m.GetNetwork())
	for _, a := range m.GetAddresses() {
		if len(a) > maxAddressSize {
			return Code{}, fault.New(fault.Usage, "the code has an address of %d bytes, more than %d", len(a), maxAddressSize)
		}
		c.Addresses = append(c.Addresses, a)
	}
	return c, nil
}
