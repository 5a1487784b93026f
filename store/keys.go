package store

import (
	"encoding/binary"
	"errors"
	"strings"
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
	tableEntry   = 'e'
	tableNamed   = 'n'
	tableBlock   = 'b'
	tableBody    = 'd'
	tableMissing = 'm'
	tableDoubt   = 'x'
	tableSum     = 's'
)

var (
	keyCounters = []byte{'c'}
	keyScrub    = []byte{'p'}
	keyJournal  = []byte{'j'}
	keyFormat   = []byte{'v'}
)

// format is the version of these tables.
const format = 1

var errBadRecord = errors.New("a record of the store's database can't be read")

// kind is where the bytes of a block are.
type kind byte

const (
	inBody kind = 1
	inFile kind = 2
)

// block is a row of table b.
type block struct {
	kind kind
	size uint32
}

func hashKey(table byte, h Hash) []byte { return append([]byte{table}, h[:]...) }

func sumKey(key uint16) []byte { return binary.BigEndian.AppendUint16([]byte{tableSum}, key) }

// placeKey is what the keys of all entries at a place begin with.
func placeKey(at Place) []byte {
	k := make([]byte, 0, 8+len(at.Name)+MaxStamp)
	k = append(k, tableEntry)
	k = binary.BigEndian.AppendUint16(k, at.Key)
	k = append(k, at.Name...)
	k = append(k, 0)
	return binary.BigEndian.AppendUint32(k, at.Index)
}

func entryKey(e *Entry) []byte { return append(placeKey(e.Place), e.Stamp...) }

func namedKey(h Hash, entry []byte) []byte {
	return append(hashKey(tableNamed, h), entry[1:]...)
}

const (
	flagCounted = 1 << iota
	flagBlock
)

func entryValue(e *Entry) []byte {
	v := make([]byte, 0, 5+len(e.Block)+len(e.Value))
	var flags byte
	if e.Counted {
		flags |= flagCounted
	}
	if e.Block != (Hash{}) {
		flags |= flagBlock
	}
	v = append(v, flags)
	v = binary.BigEndian.AppendUint32(v, e.Size)
	if flags&flagBlock != 0 {
		v = append(v, e.Block[:]...)
	}
	return append(v, e.Value...)
}

// weight is how much an entry adds to UsedBytes.
func weight(e *Entry) int64 { return int64(8 + len(e.Name) + len(e.Stamp) + 37 + len(e.Value)) }

// decodeEntry reads an entry from its key (with any first byte) and value, and keeps neither.
func decodeEntry(k, v []byte) (e Entry, err error) {
	if len(k) < 3 || len(v) < 5 {
		return e, errBadRecord
	}
	e.Key = binary.BigEndian.Uint16(k[1:])
	name, rest, ok := strings.Cut(string(k[3:]), "\x00")
	if !ok || len(rest) < 4 {
		return e, errBadRecord
	}
	e.Name, e.Stamp = name, rest[4:]
	e.Index = binary.BigEndian.Uint32([]byte(rest[:4]))
	flags := v[0]
	e.Counted = flags&flagCounted != 0
	e.Size = binary.BigEndian.Uint32(v[1:])
	v = v[5:]
	if flags&flagBlock != 0 {
		if len(v) < len(e.Block) {
			return e, errBadRecord
		}
		v = v[copy(e.Block[:], v):]
	}
	e.Value = append([]byte(nil), v...)
	return e, nil
}

func encodeBlock(b block) []byte {
	return binary.BigEndian.AppendUint32([]byte{byte(b.kind)}, b.size)
}

func decodeBlock(v []byte) (block, error) {
	if len(v) != 5 || (kind(v[0]) != inBody && kind(v[0]) != inFile) {
		return block{}, errBadRecord
	}
	return block{kind(v[0]), binary.BigEndian.Uint32(v[1:])}, nil
}

// counters are what Usage returns without counting.
type counters struct{ entries, blocks, used, missing int64 }

func (c counters) encode() []byte {
	var v []byte
	for _, n := range []int64{c.entries, c.blocks, c.used, c.missing} {
		v = binary.BigEndian.AppendUint64(v, uint64(n)) //nolint:gosec // read back as it was written
	}
	return v
}

func decodeCounters(v []byte) (counters, error) {
	if len(v) != 32 {
		return counters{}, errBadRecord
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(v[8*i:])) } //nolint:gosec // as written
	return counters{at(0), at(1), at(2), at(3)}, nil
}

// after returns the least key greater than all that begin with k.
func after(k []byte) []byte {
	end := append([]byte(nil), k...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
