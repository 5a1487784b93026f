package node_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// A peer that lists the same things again and again is not listened to for ever.
func TestListWithoutEnd(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	s := c.newStranger()
	asked := 0
	services := protocol.ServeFile(s.host, protocol.ServeOptions{}, func(context.Context, peer.ID, *pb.FileRequest, *protocol.Body) (*pb.FileResponse, *protocol.Payload, error) {
		asked++
		items := &pb.Items{More: true}
		for i := range 3 {
			items.Items = append(items.Items, &pb.Item{Name: fmt.Sprint("x", i), Index: 1, Stamp: []byte("stamp")})
		}
		return &pb.FileResponse{Body: &pb.FileResponse_Items{Items: items}}, nil, nil
	})
	t.Cleanup(func() { _ = services.Close() })
	if _, err := s.client.Ring(t.Context(), s.id(c.nodes[0]), &pb.RingRequest{Body: &pb.RingRequest_Ping{Ping: &pb.Ping{}}}); err != nil {
		t.Fatal(err) // the node can't connect to it
	}
	if _, err := c.nodes[0].ListAt(t.Context(), s.host.ID()); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("an endless list: %v after %d answers", err, asked)
	}
}
