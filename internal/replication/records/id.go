package records

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/store"
)

// ID identifies a record: by its place and its stamp.
type ID struct {
	Place store.Place
	Stamp string
}

// OfEntry is the ID of an entry.
func OfEntry(e store.Entry) ID { return ID{e.Place, e.Stamp} }

// OfItem is the ID of what a peer names.
func OfItem(it *pb.Item) ID { return ID{ItemPlace(it), string(it.GetStamp())} }

// OfMessage identifies a record without verifying it.
func OfMessage(m *pb.Record) (ID, error) {
	body := new(pb.RecordBody)
	if err := proto.Unmarshal(m.GetBody(), body); err != nil {
		return ID{}, err
	}
	return ID{PlaceOf(body), protocol.StampOf(&protocol.Record{RecordBody: body, By: peer.ID(body.GetWriter())})}, nil
}

// Item names an entry to another peer.
func Item(e store.Entry) *pb.Item {
	return &pb.Item{Name: e.Name, Index: e.Index, Stamp: []byte(e.Stamp), Complete: e.Complete}
}

// ItemPlace is the place of an item. Its key is computed, because the peer may be wrong.
func ItemPlace(it *pb.Item) store.Place {
	return store.Place{Key: uint16(protocol.Place(it.GetName(), it.GetIndex())), Name: it.GetName(), Index: it.GetIndex()}
}
