#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# Twelve peers behind one IPv4 address, as of an office or a household, dial one peer with default
# options. It accepts eight connections. The others see a connection that ends while its encryption
# is negotiated, without a reason. Loopback has no such limit, so tests on one machine don't
# show it.
#
# Seen:
#   12 peers behind one address have dialed a peer with default limits: it has 8 connections
#   the last refusal, as the one who dials sees it: failed to dial: failed to dial 12D3KooW...: all dials failed
#     * [/ip4/10.9.0.1/tcp/39961] failed to negotiate security protocol: EOF
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
)

func main() {
	server, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/10.9.0.1/tcp/0"))
	if err != nil {
		panic(err)
	}
	defer server.Close()
	to := peer.AddrInfo{ID: server.ID(), Addrs: server.Addrs()}
	var refusal error
	for range 12 {
		h, err := libp2p.New(libp2p.NoListenAddrs)
		if err != nil {
			panic(err)
		}
		defer h.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := h.Connect(ctx, to); err != nil {
			refusal = err
		}
		cancel()
	}
	time.Sleep(time.Second)
	n := len(server.Network().Conns())
	fmt.Printf("12 peers behind one address have dialed a peer with default limits: it has %d connections\n", n)
	fmt.Println("the last refusal, as the one who dials sees it:", refusal)
	if n != 8 {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
alone bash -c 'ip link set lo up; ip addr add 10.9.0.1/32 dev lo; ./program' || status=$?
verdict $status
