package admit

import (
	"fmt"

	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/internal/frame"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// TagSize is the length of a tag in bytes.
const TagSize = statement.HashSize

func wrap(err error) error { return fmt.Errorf("%w: %w", ErrInvalid, err) }

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// Decode decodes a message and checks its form.
func Decode(raw []byte, m *pb.AdmitMessage) error {
	if err := frame.Unmarshal(raw, m); err != nil {
		return wrap(err)
	}
	return check(m)
}

func check(m *pb.AdmitMessage) error {
	switch b := m.GetBody().(type) {
	case *pb.AdmitMessage_Hello:
		return first(sized("nonce", b.Hello.GetNonce(), NonceSize), sized("tag", b.Hello.GetTag(), TagSize))
	case *pb.AdmitMessage_Proof:
		return first(
			sizedIfSet("tag", b.Proof.GetTag(), TagSize), checkDigest(b.Proof.GetDigest()), checkHeads(b.Proof.GetHeads()),
			checkStatements(b.Proof.GetStatements()))
	case *pb.AdmitMessage_Sync:
		return first(
			checkHeads(b.Sync.GetHeads()), checkStatements(b.Sync.GetStatements()), checkWanted(b.Sync.GetWanted()),
			checkDigest(b.Sync.GetDigest()))
	case *pb.AdmitMessage_End:
		return nil
	}
	return invalid("it says nothing that is known here")
}

// checkStatements checks how many there are, and how long they are. statement.Parse does the rest.
func checkStatements(all [][]byte) error {
	if len(all) > MaxStatements {
		return invalid("it has %d statements, more than %d", len(all), MaxStatements)
	}
	for _, raw := range all {
		if len(raw) == 0 || len(raw) > statement.MaxEncoded {
			return invalid("it has a statement of %d bytes", len(raw))
		}
	}
	return nil
}

func checkHeads(heads []*pb.NetworkHead) error {
	if len(heads) > statement.MaxStatements {
		return invalid("it has %d heads, more than %d", len(heads), statement.MaxStatements)
	}
	for _, h := range heads {
		err := first(sized("issuer", h.GetIssuer(), len(statement.Key{})), sized("sum of an issuer", h.GetSum(), network.SumSize))
		if err != nil {
			return err
		}
	}
	return nil
}

func checkWanted(ids [][]byte) error {
	if len(ids) > MaxWanted {
		return invalid("it asks for %d attachments, more than %d", len(ids), MaxWanted)
	}
	for _, id := range ids {
		if err := sized("hash of a statement", id, statement.HashSize); err != nil {
			return err
		}
	}
	return nil
}

func checkDigest(d *pb.NetworkDigest) error {
	return sizedIfSet("sum of a digest", d.GetSum(), network.SumSize)
}

func sized(what string, b []byte, want int) error {
	if len(b) != want {
		return invalid("the %s has %d bytes, not %d", what, len(b), want)
	}
	return nil
}

func sizedIfSet(what string, b []byte, want int) error {
	if len(b) == 0 {
		return nil
	}
	return sized(what, b, want)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
