#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# A host with EnableRelayService doesn't relay. The service begins when the host finds by AutoNAT
# that it is public, which takes other hosts that test it; until then there is no error, only a
# protocol that isn't spoken. ForceReachabilityPublic makes it begin at once.
#
# Seen:
#   EnableRelayService alone: reservation error: status: CONNECTION_FAILED reason: failed to open stream err: failed to negotiate protocol: protocols not supported: [/libp2p/circuit/relay/0.2.0/hop]
#   with ForceReachabilityPublic: <nil>
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
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
)

func reserve(opts ...libp2p.Option) error {
	relay, err := libp2p.New(append(opts, libp2p.EnableRelayService(), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))...)
	if err != nil {
		return err
	}
	defer relay.Close()
	h, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		return err
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	to := peer.AddrInfo{ID: relay.ID(), Addrs: relay.Addrs()}
	if err := h.Connect(ctx, to); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // time to begin the service
	_, err = client.Reserve(ctx, h, to)
	return err
}

func main() {
	plain := reserve()
	fmt.Println("EnableRelayService alone:", plain)
	forced := reserve(libp2p.ForceReachabilityPublic())
	fmt.Println("with ForceReachabilityPublic:", forced)
	if plain == nil || forced != nil {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
./program || status=$?
verdict $status
