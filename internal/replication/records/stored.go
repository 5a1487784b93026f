package records

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// Stored is a record in the store. It was verified when it came in.
type Stored struct {
	*pb.RecordBody
	Message  *pb.Record
	Entry    store.Entry
	Complete bool // its bytes are here
}

// Read decodes an entry. It does not check the signature again: the store checks its own disk.
func Read(e store.Entry) (Stored, error) {
	k := Stored{Message: &pb.Record{}, RecordBody: &pb.RecordBody{}, Entry: e, Complete: e.Complete}
	if err := proto.Unmarshal(e.Value, k.Message); err != nil {
		return k, fmt.Errorf("stored record of %q: %w", e.Name, err)
	}
	if err := proto.Unmarshal(k.Message.GetBody(), k.RecordBody); err != nil {
		return k, fmt.Errorf("stored record of %q: %w", e.Name, err)
	}
	return k, nil
}

// ReadAll decodes entries.
func ReadAll(es []store.Entry) ([]Stored, error) {
	out := make([]Stored, len(es))
	for i, e := range es {
		var err error
		if out[i], err = Read(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PlaceOf is the place of a record in the store.
func PlaceOf(b *pb.RecordBody) store.Place {
	return store.Place{Key: uint16(protocol.Place(b.GetName(), b.GetIndex())), Name: b.GetName(), Index: b.GetIndex()}
}

// FilePlace is the place of a file's records.
func FilePlace(name string) store.Place {
	return store.Place{Key: uint16(protocol.Place(name, 0)), Name: name}
}

// newEntry is the entry for a verified record.
func newEntry(rec *protocol.Record) (store.Entry, error) {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(rec.Message)
	if err != nil {
		return store.Entry{}, err
	}
	purpose := store.New
	if rec.GetDeleted() {
		purpose = store.Delete
	}
	return store.Entry{
		Purpose: purpose, Place: PlaceOf(rec.RecordBody), Stamp: protocol.StampOf(rec), Value: value,
		Block: store.Hash(rec.BlockHash()), Size: uint32(rec.BlockSize()), Counted: true, //nolint:gosec // a block
	}, nil
}

// New returns a verified record in the form in which it will be in the store.
func New(rec *protocol.Record) (Stored, error) {
	e, err := newEntry(rec)
	return Stored{RecordBody: rec.RecordBody, Message: rec.Message, Entry: e}, err
}

// Deleted reports whether an entry is a tombstone.
func Deleted(e store.Entry) bool {
	k, err := Read(e)
	return err == nil && k.GetDeleted()
}
