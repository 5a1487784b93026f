package schema

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/p2pchord/p2pchord/store/internal/api"
)

// The tables of the database, by the first byte of the key:
//
//	e KEY NAME 00 INDEX STAMP        flags, size, block, value: an entry
//	n HASH KEY NAME 00 INDEX STAMP   empty: the entry names the block
//	b HASH                           kind, size: the block's bytes are here
//	d HASH                           the bytes of an inline block
//	m HASH                           empty: entries name the block, its bytes are not here
//	x HASH                           empty: there may be a file of the block that no entry names
//	s KEY                            the sum of the bucket
//	c                                counters
//	p                                how far the scrub has come
//	j                                the epoch up to which the journals are in the database
//	v                                the format and the journal's key
//
// Numbers are big-endian: KEY has 2 bytes, INDEX 4; HASH has 32.
const (
	TableEntry   = 'e'
	TableNamed   = 'n'
	TableBlock   = 'b'
	TableBody    = 'd'
	TableMissing = 'm'
	TableDoubt   = 'x'
	TableSum     = 's'
)

// The keys of single rows.
var (
	KeyCounters = []byte{'c'}
	KeyScrub    = []byte{'p'}
	KeyJournal  = []byte{'j'}
	KeyFormat   = []byte{'v'}
)

// Format is the version of these tables.
const Format = 1

// ErrBadRecord means that a row is not in the form of its table.
var ErrBadRecord = errors.New("a record of the store's database can't be read")

// Kind is where the bytes of a block are.
type Kind byte

// The kinds of blocks.
const (
	InBody Kind = 1
	InFile Kind = 2
)

// Block is a row of table b.
type Block struct {
	Kind Kind
	Size uint32
}

// HashKey is the key of a block's row in a table.
func HashKey(table byte, h api.Hash) []byte { return append([]byte{table}, h[:]...) }

// SumKey is the key of a bucket's sum.
func SumKey(key uint16) []byte { return binary.BigEndian.AppendUint16([]byte{TableSum}, key) }

// PlaceKey is what the keys of all entries at a place begin with.
func PlaceKey(at api.Place) []byte {
	k := make([]byte, 0, 8+len(at.Name)+api.MaxStamp)
	k = append(k, TableEntry)
	k = binary.BigEndian.AppendUint16(k, at.Key)
	k = append(k, at.Name...)
	k = append(k, 0)
	return binary.BigEndian.AppendUint32(k, at.Index)
}

// EntryKey is the key of an entry.
func EntryKey(e *api.Entry) []byte { return append(PlaceKey(e.Place), e.Stamp...) }

// NamedKey is the key of the row that says that the entry with this key names the block.
func NamedKey(h api.Hash, entry []byte) []byte {
	return append(HashKey(TableNamed, h), entry[1:]...)
}

const (
	flagCounted = 1 << iota
	flagBlock
)

// EntryValue is the value of an entry.
func EntryValue(e *api.Entry) []byte {
	v := make([]byte, 0, 5+len(e.Block)+len(e.Value))
	var flags byte
	if e.Counted {
		flags |= flagCounted
	}
	if e.Block != (api.Hash{}) {
		flags |= flagBlock
	}
	v = append(v, flags)
	v = binary.BigEndian.AppendUint32(v, e.Size)
	if flags&flagBlock != 0 {
		v = append(v, e.Block[:]...)
	}
	return append(v, e.Value...)
}

// DecodeEntry reads an entry from its key (with any first byte) and value, and keeps neither.
func DecodeEntry(k, v []byte) (e api.Entry, err error) {
	if len(k) < 3 || len(v) < 5 {
		return e, ErrBadRecord
	}
	e.Key = binary.BigEndian.Uint16(k[1:])
	name, rest, ok := strings.Cut(string(k[3:]), "\x00")
	if !ok || len(rest) < 4 {
		return e, ErrBadRecord
	}
	e.Name, e.Stamp = name, rest[4:]
	e.Index = binary.BigEndian.Uint32([]byte(rest[:4]))
	flags := v[0]
	e.Counted = flags&flagCounted != 0
	e.Size = binary.BigEndian.Uint32(v[1:])
	v = v[5:]
	if flags&flagBlock != 0 {
		if len(v) < len(e.Block) {
			return e, ErrBadRecord
		}
		v = v[copy(e.Block[:], v):]
	}
	e.Value = append([]byte(nil), v...)
	return e, nil
}

// EncodeBlock returns the value of a row of table b.
func EncodeBlock(b Block) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(b.Kind)}, b.Size)
}

// DecodeBlock reads the value of a row of table b.
func DecodeBlock(v []byte) (Block, error) {
	if len(v) != 5 || (Kind(v[0]) != InBody && Kind(v[0]) != InFile) {
		return Block{}, ErrBadRecord
	}
	return Block{Kind(v[0]), binary.BigEndian.Uint32(v[1:])}, nil
}

// Counters are what Usage returns without counting.
type Counters struct{ Entries, Blocks, Used, Missing int64 }

// Encode returns the value of the counters' row.
func (c Counters) Encode() []byte {
	var v []byte
	for _, n := range []int64{c.Entries, c.Blocks, c.Used, c.Missing} {
		v = binary.BigEndian.AppendUint64(v, uint64(n)) //nolint:gosec // read back as it was written
	}
	return v
}

// DecodeCounters reads the value of the counters' row.
func DecodeCounters(v []byte) (Counters, error) {
	if len(v) != 32 {
		return Counters{}, ErrBadRecord
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(v[8*i:])) } //nolint:gosec // as written
	return Counters{at(0), at(1), at(2), at(3)}, nil
}
