#!/usr/bin/env bash
# go-libp2p v0.51.0, Go 1.26.8, Linux 6.18, nftables, 2026-11-28
# Two peers, each behind its own router, listen on TCP and QUIC. The router of one lets no UDP out.
# They stay relayed though their TCP could be punched through: the other is connected to the relay
# by QUIC, which libp2p prefers, so only the outer address of its QUIC is known, and it doesn't
# offer its TCP. An address filter that adds the TCP port of the same number makes them direct.
# Takes 60 s.
#
# Seen:
#   p as it is: within 25 s the two are connected: Limited
#   p with tcp: within 25 s the two are connected: Connected
. "$(dirname "$0")/lib.sh"

cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// addTCP tells the other side of p's TCP port too, at the address at which its QUIC was seen.
type addTCP struct{}

func (addTCP) FilterLocal(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	return append(addrs, ma.StringCast("/ip4/1.2.3.11/tcp/4001"))
}
func (addTCP) FilterRemote(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }

func listen(ip string) libp2p.Option {
	return libp2p.ListenAddrStrings("/ip4/"+ip+"/tcp/4001", "/ip4/"+ip+"/udp/4001/quic-v1")
}

// write makes a file appear with all of its content.
func write(name, content string) {
	if os.WriteFile(name+"~", []byte(content), 0o600) != nil || os.Rename(name+"~", name) != nil {
		panic(name)
	}
}

// read waits for a file.
func read(name string) string {
	for range 300 {
		if b, err := os.ReadFile(name); err == nil {
			return string(b)
		}
		time.Sleep(100 * time.Millisecond)
	}
	panic("no " + name)
}

// toRelay connects a host to the relay and returns it.
func toRelay(h host.Host) peer.AddrInfo {
	relay := *must(peer.AddrInfoFromString("/ip4/1.2.3.1/udp/4001/quic-v1/p2p/" + read("relay")))
	relay.Addrs = append(relay.Addrs, ma.StringCast("/ip4/1.2.3.1/tcp/4001"))
	if err := h.Connect(context.Background(), relay); err != nil {
		panic(err)
	}
	return relay
}

// main is the relay, p whose router lets UDP out, or q whose router doesn't.
func main() {
	ctx := context.Background()
	switch os.Args[1] {
	case "relay":
		h := must(libp2p.New(listen("1.2.3.1"), libp2p.EnableRelayService(), libp2p.ForceReachabilityPublic()))
		write("relay", h.ID().String())
		time.Sleep(time.Hour)
	case "p":
		punch := libp2p.EnableHolePunching()
		if os.Args[2] == "with-tcp" {
			punch = libp2p.EnableHolePunching(holepunch.WithAddrFilter(addTCP{}))
		}
		h := must(libp2p.New(listen("10.1.0.2"), punch, libp2p.ForceReachabilityPrivate()))
		relay := toRelay(h)
		must(client.Reserve(ctx, h, relay))
		for !strings.Contains(fmt.Sprint(h.Mux().Protocols()), "dcutr") {
			time.Sleep(100 * time.Millisecond)
		}
		write("p-"+os.Args[2], h.ID().String())
		time.Sleep(time.Hour)
	case "q":
		h := must(libp2p.New(listen("10.2.0.2"), libp2p.EnableHolePunching(), libp2p.ForceReachabilityPrivate()))
		relay := toRelay(h)
		for !strings.Contains(fmt.Sprint(h.Mux().Protocols()), "dcutr") {
			time.Sleep(100 * time.Millisecond)
		}
		p := must(peer.Decode(read("p-" + os.Args[2])))
		circuit := ma.StringCast("/ip4/1.2.3.1/tcp/4001/p2p/" + relay.ID.String() + "/p2p-circuit")
		if err := h.Connect(ctx, peer.AddrInfo{ID: p, Addrs: []ma.Multiaddr{circuit}}); err != nil {
			panic(err)
		}
		for range 250 {
			if h.Network().Connectedness(p) == network.Connected {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		fmt.Printf("p %s: within 25 s the two are connected: %v\n", strings.ReplaceAll(os.Args[2], "-", " "), h.Network().Connectedness(p))
		if (h.Network().Connectedness(p) == network.Connected) != (os.Args[2] == "with-tcp") {
			os.Exit(1)
		}
	}
}
GO
go_program github.com/libp2p/go-libp2p@v0.51.0
needs nft nsenter
cat >network <<'SH'
set -euo pipefail
declare -A ns
processes=()
trap 'kill "${processes[@]}" 2>/dev/null' EXIT
space() { # a network namespace, which lives as long as its process
	unshare --net sleep 600 &
	ns[$1]=$!
	processes+=($!)
	until [[ $(readlink /proc/$!/ns/net) != $(readlink /proc/self/ns/net) ]]; do sleep 0.05; done
}
at() { local where=${ns[$1]}; shift; nsenter --target "$where" --net "$@"; }
link() { # SPACE DEVICE ADDRESS SPACE DEVICE ADDRESS
	ip link add end1 type veth peer name end2
	ip link set end1 netns "${ns[$1]}" name "$2"
	ip link set end2 netns "${ns[$4]}" name "$5"
	for end in "$1 $2 $3" "$4 $5 $6"; do
		read -r space device address <<<"$end"
		[[ $address == - ]] || at "$space" ip addr add "$address" dev "$device"
		at "$space" ip link set "$device" up
	done
}
router() { # NAME WAN-ADDRESS LAN-PREFIX HOST UDP-RULE
	space "$1"
	space "$4"
	link "$1" wan "$2/24" outside "$1" -
	at outside ip link set "$1" master switch
	link "$1" lan "$3.1/24" "$4" eth0 "$3.2/24"
	at "$4" ip route add default via "$3.1"
	at "$1" bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	at "$1" nft -f - <<-NFT
		table ip nat {
			chain post { type nat hook postrouting priority 100; oifname "wan" masquerade; }
		}
		table ip filter {
			chain in { type filter hook input priority 0; iifname "wan" ct state established accept; iifname "wan" drop; }
			chain through { type filter hook forward priority 0; policy drop; $5; ct state established accept; iifname "lan" accept; }
		}
	NFT
}
space outside
at outside ip link add switch type bridge
at outside ip addr add 1.2.3.1/24 dev switch
at outside ip link set switch up
router rp 1.2.3.11 10.1.0 p 'meta l4proto udp accept'
router rq 1.2.3.12 10.2.0 q 'meta l4proto udp drop'
nsenter --target "${ns[outside]}" --net ./program relay &
processes+=($!)
nsenter --target "${ns[p]}" --net ./program p "$1" &
processes+=($!)
at q ./program q "$1"
SH
status=0
for how in as-it-is with-tcp; do
	rm -f relay
	alone bash network $how 2>log || status=$?
done
verdict $status
