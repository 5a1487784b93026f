#!/usr/bin/env bash
# go-libp2p v0.51.0 with go-netroute v0.4.0 and go-nat-pmp v1.0.2, Go 1.26.8, Linux 6.18, 2026-11-28
# A host with NATPortMap is behind a router that speaks NAT-PMP. It never asks: to find the router
# it asks go-netroute for the route to 0.0.0.0, which on Linux is an error. So no port is opened, and
# nothing is reported. The router here answers the first request that it gets, which is not libp2p's.
# Takes 25 s.
#
# Seen:
#   20 s of a libp2p host with NATPortMap are over
#   go-nat-pmp, told the router's address, gets its outer address: 1.2.3.4
#   the router was asked 1 time
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"net"
	"os"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p"
)

// With the argument "router" this is a router that answers NAT-PMP's question for its address, and
// tells on stdout what it was asked. Otherwise it is a libp2p host behind it.
func main() {
	if len(os.Args) > 1 {
		router()
		return
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/10.9.0.2/tcp/0"), libp2p.NATPortMap())
	if err != nil {
		panic(err)
	}
	time.Sleep(20 * time.Second)
	h.Close()
	fmt.Println("20 s of a libp2p host with NATPortMap are over")
	r, err := natpmp.NewClientWithTimeout(net.IPv4(10, 9, 0, 1), 5*time.Second).GetExternalAddress()
	if err != nil {
		fmt.Println("the router doesn't answer:", err)
		os.Exit(1)
	}
	fmt.Println("go-nat-pmp, told the router's address, gets its outer address:", net.IP(r.ExternalIPAddress[:]))
}

func router() {
	c, err := net.ListenPacket("udp4", ":5351")
	if err != nil {
		panic(err)
	}
	b := make([]byte, 64)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		fmt.Println("asked by", from)
		if n == 2 && b[1] == 0 { // the question for the address
			_, _ = c.WriteTo([]byte{0, 128, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4}, from)
		}
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0 github.com/libp2p/go-netroute@v0.4.0 github.com/jackpal/go-nat-pmp@v1.0.2
needs nsenter
cat >network <<'SH'
set -euo pipefail
ip link set lo up
unshare --net ./program router >asked &
router=$!
trap 'kill $router' EXIT
until [[ $(readlink /proc/$router/ns/net) != $(readlink /proc/self/ns/net) ]]; do sleep 0.05; done
ip link add inside type veth peer name outside netns $router
nsenter --target $router --net ip addr add 10.9.0.1/24 dev outside
nsenter --target $router --net ip link set outside up
ip addr add 10.9.0.2/24 dev inside
ip link set inside up
ip route add default via 10.9.0.1
./program
SH
status=0
alone bash network || status=$?
times=$(wc -l <asked)
echo "the router was asked $times time"
[[ $status != 0 || $times == 1 ]] || status=1
verdict $status
