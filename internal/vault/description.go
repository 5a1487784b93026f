package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

const (
	format     = 1     // of sealed
	headerSize = 1 + 4 // format, epoch
	// emptySize is the length of sealed without what it holds.
	emptySize = headerSize + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// Opened is what a record says to those who have the vault's keys.
type Opened struct {
	*pb.Description
	Keys  *File
	Salts []Salt // one for each block; none of a Listing
}

// Seal encrypts the description of a file, and the salts of its blocks, into body, which has all
// other fields then, writer and clock included. The name is that of the File's description.
func (f *File) Seal(body *pb.RecordBody, d *pb.Description, salts []Salt) error {
	nonces := make([]byte, 2*chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonces) // never fails
	return f.seal(body, d, salts, nonces)
}

func (f *File) seal(body *pb.RecordBody, d *pb.Description, salts []Salt, nonces []byte) error {
	key := f.headKey(body.GetClock(), body.GetWriter())
	header := binary.BigEndian.AppendUint32([]byte{format}, f.epoch)
	body.Sealed, body.Salts = nil, nil
	if len(salts) > 0 {
		nonce := nonces[chacha20poly1305.NonceSizeX:]
		flat := make([]byte, 0, len(salts)*SaltSize)
		for _, s := range salts {
			flat = append(flat, s[:]...)
		}
		body.Salts = aead(key.derive(contextBox)).Seal(slices.Clone(nonce), nonce, flat, header)
	}
	rest, err := proto.MarshalOptions{Deterministic: true}.Marshal(body)
	if err != nil {
		return fault.New(fault.Failed, "encrypt the description of a file: %w", err)
	}
	plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(d)
	if err != nil {
		return fault.New(fault.Failed, "encrypt the description of a file: %w", err)
	}
	plain = slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(plain))), plain) //nolint:gosec // names are bounded
	over := (emptySize + len(plain)) % signed.SealedStep
	plain = append(plain, make([]byte, (signed.SealedStep-over)%signed.SealedStep)...)
	sum, nonce := blake3sum.Sum(rest), nonces[:chacha20poly1305.NonceSizeX]
	body.Sealed = aead(key).Seal(slices.Concat(header, nonce), nonce, plain, slices.Concat(header, sum[:]))
	return nil
}

// Open decrypts what the record of a file says. record has been verified: its signature, and the
// rules for its fields. Errors are of the kind fault.Integrity, or fault.TryAgain when a data key
// has not arrived yet.
func (v *Vault) Open(record *signed.Record) (*Opened, error) {
	sum, err := signed.SealedTo(record.Message.GetBody())
	if err != nil {
		return nil, malformed("%w", err)
	}
	o, key, err := v.open(record.GetName(), record.Version(), record.GetSealed(), sum)
	if err != nil {
		return nil, err
	}
	if o.GetSize() != record.GetSize() {
		return nil, malformed("its description has another size")
	}
	return o, o.openSalts(key, record)
}

func (v *Vault) open(stored string, version *pb.Version, sealed, sum []byte) (*Opened, Key, error) {
	if len(sealed) < emptySize || sealed[0] != format {
		return nil, Key{}, malformed("it has no description that can be read here")
	}
	header, nonce, box := sealed[:headerSize], sealed[headerSize:][:chacha20poly1305.NonceSizeX], sealed[headerSize+chacha20poly1305.NonceSizeX:]
	files, err := v.readable(stored, binary.BigEndian.Uint32(header[1:]), version.GetClock())
	if err != nil {
		return nil, Key{}, err
	}
	for _, f := range files {
		key := f.headKey(version.GetClock(), version.GetWriter())
		plain, err := aead(key).Open(nil, nonce, box, slices.Concat(header, sum))
		if err != nil {
			continue
		}
		d, err := readDescription(plain)
		if err != nil {
			return nil, Key{}, err
		}
		if v.StoredName(d.GetName()) != stored {
			return nil, Key{}, malformed("its description names another file")
		}
		return &Opened{Description: d, Keys: f}, key, nil
	}
	return nil, Key{}, malformed("its description was not sealed with a key of this vault, for this version")
}

// headKey is the key of the description of one version.
func (f *File) headKey(clock uint64, writer []byte) Key {
	return f.heads.mac(binary.BigEndian.AppendUint64(nil, clock), writer)
}

func aead(key Key) cipher.AEAD {
	a, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err) // the length of the key is the only thing that can be wrong
	}
	return a
}

// readDescription reads what stands in the box of sealed.
func readDescription(plain []byte) (*pb.Description, error) {
	if len(plain) < 2 || len(plain)-2 < int(binary.BigEndian.Uint16(plain)) {
		return nil, malformed("its description is cut off")
	}
	d := new(pb.Description)
	if err := proto.Unmarshal(plain[2:][:binary.BigEndian.Uint16(plain)], d); err != nil {
		return nil, malformed("its description can't be decoded")
	}
	if err := signed.ValidName(d.GetName()); err != nil {
		return nil, malformed("its description has no valid name")
	}
	if len(d.GetHash()) != blake3sum.Size || d.GetMode() > signed.MaxMode {
		return nil, malformed("its description has a hash of %d bytes, and the mode %#o", len(d.GetHash()), d.GetMode())
	}
	return d, nil
}

// openSalts decrypts the salts of the blocks, of which the rules for records know the number.
func (o *Opened) openSalts(key Key, record *signed.Record) error {
	if record.BlockCount() == 0 {
		return nil
	}
	sealed, header := record.GetSalts(), record.GetSealed()[:headerSize]
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return malformed("it has no salts")
	}
	nonce, box := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	flat, err := aead(key.derive(contextBox)).Open(nil, nonce, box, header)
	if err != nil || len(flat) != record.BlockCount()*SaltSize {
		return malformed("its salts were not sealed with the key of this vault, for this version")
	}
	for ; len(flat) > 0; flat = flat[SaltSize:] {
		o.Salts = append(o.Salts, Salt(flat[:SaltSize]))
	}
	return nil
}

// OpenListing decrypts the description in a Listing, which a holder has made of a record.
func (v *Vault) OpenListing(l *pb.Listing) (*pb.Description, error) {
	o, _, err := v.open(l.GetName(), l.GetVersion(), l.GetSealed(), l.GetSealedTo())
	if err != nil {
		return nil, err
	}
	return o.Description, nil
}

// malformed is the error for a record that is not one of this vault.
func malformed(format string, args ...any) error {
	return fault.New(fault.Integrity, "the file is not one of this vault: "+format, args...)
}
