package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

// The raw baseline: the throughput of go-libp2p over one stream of TCP, TLS 1.3, and yamux, from
// memory to memory, without looking at the bytes. It runs in separate processes:
//
//	bench raw serve                      writes its address and answers until it is ended
//	bench raw fetch -addr A -size S -count N
//
// The second requests S bytes N times, each time on a new stream, and prints the median time in
// nanoseconds.
const (
	rawVerb = "raw"
	rawID   = protocol.ID("/p2pchord-bench/raw/1.0.0")
	rawStep = 1 << 20 // bytes of a Write and of a Read
)

func rawMain(args []string) error {
	var addr string
	var size int64
	var count int
	if len(args) == 0 {
		return errors.New("serve or fetch")
	}
	fl := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fl.StringVar(&addr, "addr", "", "of the server")
	fl.Int64Var(&size, "size", 0, "bytes")
	fl.IntVar(&count, "count", 1, "requests")
	if err := fl.Parse(args[1:]); err != nil {
		return err
	}
	h, err := rawHost(args[0] == "serve")
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	if args[0] == "serve" {
		return rawServe(h)
	}
	info, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := h.Connect(ctx, *info); err != nil {
		return err
	}
	took := make([]time.Duration, count)
	buf := make([]byte, min(size, rawStep))
	for i := range took {
		began := time.Now()
		if err := rawFetch(ctx, h, info.ID, size, buf); err != nil {
			return err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	fmt.Println(took[len(took)/2].Nanoseconds())
	return nil
}

func rawHost(listening bool) (host.Host, error) {
	listen := libp2p.NoListenAddrs
	if listening {
		listen = libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0")
	}
	return libp2p.New(listen, libp2p.Transport(tcp.NewTCPTransport), libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.DisableMetrics(), libp2p.DisableRelay(), libp2p.ResourceManager(&network.NullResourceManager{}))
}

func rawServe(h host.Host) error {
	data := make([]byte, rawStep)
	if _, err := rand.Read(data); err != nil {
		return err
	}
	h.SetStreamHandler(rawID, func(s network.Stream) {
		defer func() { _ = s.Close() }()
		var size int64
		if _, err := fmt.Fscanln(bufio.NewReader(s), &size); err != nil {
			_ = s.Reset()
			return
		}
		for size > 0 {
			n, err := s.Write(data[:min(size, rawStep)])
			if err != nil {
				_ = s.Reset()
				return
			}
			size -= int64(n)
		}
	})
	full, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		return err
	}
	fmt.Println(slices.MinFunc(full, func(a, b ma.Multiaddr) int { return strings.Compare(a.String(), b.String()) }))
	select {} // until it is ended
}

func rawFetch(ctx context.Context, h host.Host, from peer.ID, size int64, buf []byte) error {
	s, err := h.NewStream(ctx, from, rawID)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, err := fmt.Fprintln(s, size); err != nil {
		return err
	}
	for size > 0 {
		n, err := s.Read(buf[:min(size, int64(len(buf)))])
		size -= int64(n)
		if err != nil && (size > 0 || !errors.Is(err, io.EOF)) {
			return err
		}
	}
	return nil
}
