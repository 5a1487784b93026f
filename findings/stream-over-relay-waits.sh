#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# Two peers are connected through a relay. NewStream without WithAllowLimitedConn doesn't fail
# there: it waits for a direct connection until its context ends, however long that is, and then
# says only that the deadline is over.
#
# Seen:
#   connected to a peer through a relay: Limited
#   NewStream with 5 s: after 5s, failed to open stream: context deadline exceeded
#   with WithAllowLimitedConn: after 0s, <nil>
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func info(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

func main() {
	relay := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableRelayService(), libp2p.ForceReachabilityPublic()))
	defer relay.Close()
	a, b := must(libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay())), must(libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay()))
	defer a.Close()
	defer b.Close()
	ctx := context.Background()
	b.SetStreamHandler("/echo", func(s network.Stream) { s.Close() })
	for _, h := range []host.Host{a, b} {
		if err := h.Connect(ctx, info(relay)); err != nil {
			panic(err)
		}
	}
	must(client.Reserve(ctx, b, info(relay)))
	through := ma.StringCast("/p2p/" + relay.ID().String() + "/p2p-circuit")
	if err := a.Connect(ctx, peer.AddrInfo{ID: b.ID(), Addrs: []ma.Multiaddr{through}}); err != nil {
		panic(err)
	}
	fmt.Println("connected to a peer through a relay:", a.Network().Connectedness(b.ID()))

	began := time.Now()
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, plain := a.NewStream(short, b.ID(), "/echo")
	waited := time.Since(began).Round(time.Second)
	fmt.Printf("NewStream with 5 s: after %v, %v\n", waited, plain)

	began = time.Now()
	_, allowed := a.NewStream(network.WithAllowLimitedConn(ctx, "finding"), b.ID(), "/echo")
	fmt.Printf("with WithAllowLimitedConn: after %v, %v\n", time.Since(began).Round(time.Second), allowed)
	if !errors.Is(plain, context.DeadlineExceeded) || waited < 5*time.Second || allowed != nil {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
./program || status=$?
verdict $status
