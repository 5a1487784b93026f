#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# A peer that is connected through a relay before it knows its own public address stays
# relayed. DCUtR, which upgrades the connection, is spoken from then on only, and it acts on new
# connections: the old one is not upgraded when the address is there. A second relayed connection
# is, at once. Takes 40 s.
#
# Seen:
#   b has no public address yet, a has connected through the relay: b speaks DCUtR: false; the two are connected: Limited
#   30 s after b has got a public address: b speaks DCUtR: true; the two are connected: Limited
#   5 s after a has connected through the relay again: b speaks DCUtR: true; the two are connected: Connected
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
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
	ctx := context.Background()
	relay := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableRelayService(), libp2p.ForceReachabilityPublic()))
	a := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/1.2.3.4/tcp/0"), libp2p.EnableHolePunching()))
	b := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableHolePunching()))
	for _, h := range []host.Host{a, b} {
		if err := h.Connect(ctx, info(relay)); err != nil {
			panic(err)
		}
	}
	must(client.Reserve(ctx, b, info(relay)))
	through := peer.AddrInfo{ID: b.ID(), Addrs: []ma.Multiaddr{ma.StringCast(relay.Addrs()[0].String() + "/p2p/" + relay.ID().String() + "/p2p-circuit")}}
	connected := func(what string) bool {
		c := a.Network().Connectedness(b.ID())
		fmt.Printf("%s: b speaks DCUtR: %v; the two are connected: %v\n", what, slices.Contains(b.Mux().Protocols(), "/libp2p/dcutr"), c)
		return c == network.Connected
	}
	if err := a.Connect(ctx, through); err != nil {
		panic(err)
	}
	connected("b has no public address yet, a has connected through the relay")
	if err := b.Network().Listen(ma.StringCast("/ip4/1.2.3.5/tcp/0")); err != nil {
		panic(err)
	}
	time.Sleep(30 * time.Second)
	early := connected("30 s after b has got a public address")

	if err := a.Network().ClosePeer(b.ID()); err != nil {
		panic(err)
	}
	time.Sleep(time.Second)
	a.Peerstore().ClearAddrs(b.ID()) // a knows nothing of b but the relay
	if err := a.Connect(ctx, through); err != nil {
		panic(err)
	}
	time.Sleep(5 * time.Second)
	late := connected("5 s after a has connected through the relay again")
	if early || !late {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
alone bash -c 'ip link set lo up; ip addr add 1.2.3.4/32 dev lo; ip addr add 1.2.3.5/32 dev lo; ./program' || status=$?
verdict $status
