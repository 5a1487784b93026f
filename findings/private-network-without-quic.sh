#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# A host with a pre-shared key (PrivateNetwork) is asked to listen on TCP and on QUIC. It listens on
# TCP only. There is no error and no line in the log: the default transports leave out QUIC,
# WebTransport, and WebRTC when there is a key.
#
# Seen:
#   without a private network it listens on QUIC and TCP
#   with one, libp2p.New gives no error, and it listens on TCP
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/pnet"
)

func listening(opts ...libp2p.Option) string {
	h, err := libp2p.New(append(opts, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"))...)
	if err != nil {
		return "error: " + err.Error()
	}
	defer h.Close()
	var kinds []string
	for _, a := range h.Network().ListenAddresses() {
		switch {
		case strings.Contains(a.String(), "/quic"):
			kinds = append(kinds, "QUIC")
		case strings.Contains(a.String(), "/tcp"):
			kinds = append(kinds, "TCP")
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " and ")
}

func main() {
	psk := make(pnet.PSK, 32)
	without, with := listening(), listening(libp2p.PrivateNetwork(psk))
	fmt.Println("without a private network it listens on", without)
	fmt.Println("with one, libp2p.New gives no error, and it listens on", with)
	if without != "QUIC and TCP" || with != "TCP" {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
./program || status=$?
verdict $status
