package protocol

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/protocol/signed"
)

const rawID = "/p2pchord/test/raw/1.0.0"

// rawBlocks is the size of the blocks of a bulk exchange and how many there are: 64 MiB in all.
const (
	bulkBlock = 8 << 20
	bulkCount = 8
)

// rawServer reads a request of 8 bytes and answers with 8, or with bulkBlock bytes;
// or it reads bulkBlock bytes and answers with 8.
func rawServer(s network.Stream) {
	defer s.Close()
	head, block := make([]byte, 8), make([]byte, bulkBlock)
	for {
		if _, err := io.ReadFull(s, head); err != nil {
			return
		}
		answer := head
		switch head[0] {
		case 'g':
			answer = block
		case 'p':
			if _, err := io.ReadFull(s, block); err != nil {
				return
			}
		}
		if _, err := s.Write(answer); err != nil {
			return
		}
	}
}

func rawExchange(b *testing.B, s network.Stream, head string, send, receive []byte) {
	if _, err := s.Write([]byte(head)); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Write(send); len(send) > 0 && err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(s, receive); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkExchange sets a small request, and 64 MiB in blocks of 8 in either
// direction, beside the same over a raw stream between the same two hosts.
func BenchmarkExchange(b *testing.B) {
	server, client := newPair(b)
	server.SetStreamHandler(rawID, rawServer)
	block := make([]byte, bulkBlock)
	closeLater(b, ServeRing(server, ServeOptions{}, func(context.Context, peer.ID, *pb.RingRequest) (*pb.RingResponse, error) { return nil, nil }))
	closeLater(b, ServeFile(server, ServeOptions{}, func(_ context.Context, _ peer.ID, req *pb.FileRequest, body *Body) (*pb.FileResponse, *Payload, error) {
		if req.GetBlock() != nil {
			return nil, &Payload{Bytes: block}, nil
		}
		buf := make([]byte, 256<<10)
		for {
			if _, err := body.Read(buf); errors.Is(err, io.EOF) {
				return &pb.FileResponse{Body: &pb.FileResponse_Stored{Stored: &pb.Stored{}}}, nil, nil
			} else if err != nil {
				return nil, nil, err
			}
		}
	}))
	c := newClient(b, client, ClientOptions{})
	raw := rawStream(b, client, server, rawID)
	_ = raw.SetDeadline(time.Time{})
	small, buf := make([]byte, 8), make([]byte, bulkBlock)
	put, get := putRequest(), &pb.FileRequest{Body: &pb.FileRequest_Block{Block: &pb.GetBlock{Hash: hashOf("x")}}}

	b.Run("small/raw", func(b *testing.B) {
		for b.Loop() {
			rawExchange(b, raw, "small...", nil, small)
		}
	})
	b.Run("small/ring", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Ring(b.Context(), server.ID(), ping()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("get64MiB/raw", func(b *testing.B) {
		b.SetBytes(bulkBlock * bulkCount)
		for b.Loop() {
			for range bulkCount {
				rawExchange(b, raw, "get.....", nil, buf)
			}
		}
	})
	b.Run("get64MiB/file", func(b *testing.B) {
		b.SetBytes(bulkBlock * bulkCount)
		b.ReportAllocs()
		for b.Loop() {
			for range bulkCount {
				reply, err := c.File(b.Context(), server.ID(), get, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(reply, buf); err != nil {
					b.Fatal(err)
				}
				_ = reply.Close()
			}
		}
	})
	b.Run("put64MiB/raw", func(b *testing.B) {
		b.SetBytes(bulkBlock * bulkCount)
		for b.Loop() {
			for range bulkCount {
				rawExchange(b, raw, "put.....", buf, small)
			}
		}
	})
	b.Run("put64MiB/file", func(b *testing.B) {
		b.SetBytes(bulkBlock * bulkCount)
		b.ReportAllocs()
		for b.Loop() {
			for range bulkCount {
				if _, err := c.File(b.Context(), server.ID(), put, buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkVerify is what a record and a peer cost, the latter also when it is remembered.
func BenchmarkVerify(b *testing.B) {
	record, someone := exampleRecord(oneBlock()), fixedPeer(1, "localhost:8001")
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			must(VerifyRecord(record))
		}
	})
	b.Run("peer", func(b *testing.B) {
		for b.Loop() {
			must(signed.VerifyPeer(someone))
		}
	})
	b.Run("peer again", func(b *testing.B) {
		for b.Loop() {
			must(ParsePeer(someone))
		}
	})
}
