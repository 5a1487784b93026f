#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# Two peers of one local network meet through a relay outside, as two behind one router do. identify
# tells each the other's private addresses, and drops them, since they came over a public
# connection. So neither dials them: the two stay relayed, though a dial would succeed at once. The
# addresses are in EvtPeerIdentificationCompleted only. Takes 25 s.
#
# Seen:
#   p listens on, and identify has told q of: [/ip4/10.7.0.2/tcp/34047]
#   of these, q's peerstore keeps: []
#   20 s later the two are connected: Limited
#   dialing the address that was told: <nil>
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func info(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

func private(addrs []ma.Multiaddr) (out []ma.Multiaddr) {
	for _, a := range addrs {
		if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err != nil && manet.IsPrivateAddr(a) {
			out = append(out, a)
		}
	}
	return out
}

func main() {
	ctx := context.Background()
	relay := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/1.2.3.4/tcp/0"), libp2p.EnableRelayService(), libp2p.ForceReachabilityPublic()))
	p := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/10.7.0.2/tcp/0"), libp2p.EnableHolePunching()))
	q := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/10.7.0.3/tcp/0"), libp2p.EnableHolePunching()))
	seen := must(q.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted)))
	for _, h := range []host.Host{p, q} {
		if err := h.Connect(ctx, info(relay)); err != nil {
			panic(err)
		}
	}
	must(client.Reserve(ctx, p, info(relay)))
	circuit := ma.StringCast(relay.Addrs()[0].String() + "/p2p/" + relay.ID().String() + "/p2p-circuit")
	if err := q.Connect(ctx, peer.AddrInfo{ID: p.ID(), Addrs: []ma.Multiaddr{circuit}}); err != nil {
		panic(err)
	}
	var told []ma.Multiaddr
	for told == nil {
		if e := (<-seen.Out()).(event.EvtPeerIdentificationCompleted); e.Peer == p.ID() {
			told = private(e.ListenAddrs)
		}
	}
	time.Sleep(20 * time.Second)
	kept := private(q.Peerstore().Addrs(p.ID()))
	fmt.Println("p listens on, and identify has told q of:", told)
	fmt.Println("of these, q's peerstore keeps:", kept)
	fmt.Println("20 s later the two are connected:", q.Network().Connectedness(p.ID()))
	if err := q.Network().ClosePeer(p.ID()); err != nil {
		panic(err)
	}
	direct := q.Connect(ctx, peer.AddrInfo{ID: p.ID(), Addrs: told})
	fmt.Println("dialing the address that was told:", direct)
	if len(told) == 0 || len(kept) > 0 || direct != nil {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
alone bash -c 'ip link set lo up
for a in 1.2.3.4 10.7.0.2 10.7.0.3; do ip addr add $a/32 dev lo; done
./program' || status=$?
verdict $status
