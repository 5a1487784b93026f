#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, 2026-11-28
# A host is asked to listen on a TCP port that another program has, and on QUIC. libp2p.New
# succeeds, because one of the addresses works. Only a comparison of the addresses shows that there
# is no TCP.
#
# Seen:
#   asked for /ip4/127.0.0.1/tcp/45699 alone, which is in use: failed to listen on any addresses: [listen tcp4 127.0.0.1:45699: bind: address already in use]
#   asked for that and /ip4/127.0.0.1/udp/45699/quic-v1: no error, and it listens on [/ip4/127.0.0.1/udp/45699/quic-v1]
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/libp2p/go-libp2p"
)

func main() {
	other, err := net.Listen("tcp", "127.0.0.1:0") // another program, without SO_REUSEPORT
	if err != nil {
		panic(err)
	}
	port := other.Addr().(*net.TCPAddr).Port
	tcp, quic := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port), fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", port)
	_, alone := libp2p.New(libp2p.DisableRelay(), libp2p.ListenAddrStrings(tcp))
	fmt.Println("asked for", tcp, "alone, which is in use:", alone)
	h, err := libp2p.New(libp2p.DisableRelay(), libp2p.ListenAddrStrings(tcp, quic))
	if err != nil {
		fmt.Println("asked for", tcp, "and", quic+":", err)
		os.Exit(1)
	}
	defer h.Close()
	fmt.Println("asked for that and", quic+": no error, and it listens on", h.Network().ListenAddresses())
	if alone == nil || len(h.Network().ListenAddresses()) != 1 {
		os.Exit(1)
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
./program 2>log || status=$?
verdict $status
