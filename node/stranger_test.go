package node_test

import (
	"context"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// stranger is a peer of no ring that speaks the protocol.
type stranger struct {
	t      testing.TB
	host   host.Host
	key    crypto.PrivKey
	client *protocol.Client
}

// newStranger starts a stranger that knows the addresses of all nodes.
func (c *cluster) newStranger() *stranger {
	c.t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		c.t.Fatal(err)
	}
	s := &stranger{t: c.t, host: h, key: h.Peerstore().PrivKey(h.ID()), client: protocol.NewClient(h, protocol.ClientOptions{})}
	c.t.Cleanup(func() {
		_ = s.client.Close()
		_ = h.Close()
	})
	for _, n := range c.nodes {
		infos, err := peeraddr.Infos(n.Addrs())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, i := range infos {
			h.Peerstore().AddAddrs(i.ID, i.Addrs, peerstore.PermanentAddrTTL)
		}
	}
	return s
}

// file signs the record of a file of one block, or of none.
func (s *stranger) file(name string, data []byte, clock uint64, replaced ...*pb.Version) *pb.Record {
	s.t.Helper()
	sum := blake3sum.Sum(data)
	body := &pb.RecordBody{Name: name, Clock: clock, Size: uint64(len(data)), Hash: sum[:], Ancestors: replaced}
	if len(data) > 0 {
		body.BlockSize, body.Blocks = node.DefaultBlockSize, sum[:]
	}
	return s.sign(body)
}

func (s *stranger) sign(body *pb.RecordBody) *pb.Record {
	s.t.Helper()
	rec, err := protocol.Sign(s.key, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return rec
}

// unchecked signs a record that breaks the rules.
func (s *stranger) unchecked(body *pb.RecordBody) *pb.Record {
	s.t.Helper()
	body.Writer = []byte(s.host.ID())
	raw, err := proto.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	signature, err := s.key.Sign(append([]byte("p2pchord-record:"), raw...))
	if err != nil {
		s.t.Fatal(err)
	}
	return &pb.Record{Body: raw, Signature: signature}
}

// ask sends one request of the file protocol, with body after it.
func (s *stranger) ask(ctx context.Context, to *node.Node, req *pb.FileRequest, body []byte) (*pb.FileResponse, error) {
	s.t.Helper()
	id, err := peer.Decode(to.PeerID())
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := s.client.File(ctx, id, req, body)
	if r == nil {
		return nil, err
	}
	_ = r.Close()
	return r.Response, err
}

func putOf(rec *pb.Record) *pb.FileRequest {
	return &pb.FileRequest{Body: &pb.FileRequest_Put{Put: &pb.Put{Record: rec}}}
}

func storeOf(rec *pb.Record) *pb.FileRequest {
	return &pb.FileRequest{Body: &pb.FileRequest_Store{Store: &pb.Store{Record: rec}}}
}
