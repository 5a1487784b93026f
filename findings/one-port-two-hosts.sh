#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, Linux 6.18, 2026-11-28
# Two hosts are asked to listen on the same TCP port of the same address. Both start without an
# error, since libp2p listens with SO_REUSEPORT, and the kernel gives each connection to either. Two
# processes do the same.
#
# Seen:
#   two hosts listen on /ip4/127.0.0.1/tcp/36241 and neither had an error
#   net.Listen on it says: listen tcp 127.0.0.1:36241: bind: address already in use
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
	a, err := libp2p.New(libp2p.DisableRelay(), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		panic(err)
	}
	defer a.Close()
	where := a.Network().ListenAddresses()[0]
	b, err := libp2p.New(libp2p.DisableRelay(), libp2p.ListenAddrs(where))
	if err != nil {
		fmt.Println("the second host on", where, "fails:", err)
		os.Exit(1)
	}
	defer b.Close()
	fmt.Println("two hosts listen on", where, "and neither had an error")
	port, _ := where.ValueForProtocol(6)
	if _, err := net.Listen("tcp", "127.0.0.1:"+port); err != nil {
		fmt.Println("net.Listen on it says:", err)
		return
	}
	os.Exit(1)
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
status=0
./program || status=$?
verdict $status
