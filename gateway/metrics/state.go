package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/contain"
)

// state collects the state of a peer at each scrape.
type state struct{ peer api.Peer }

// The metrics of a peer's state.
var (
	descUp        = prometheus.NewDesc("p2pchord_active", "1 when the node is a member of the ring.", nil, nil)
	descRing      = prometheus.NewDesc("p2pchord_ring_ok", "1 when the node sees no problem with the ring, its part of it, or the copies of its files.", nil, nil)
	descProblems  = prometheus.NewDesc("p2pchord_ring_problems", "Number of problems that the node sees; status lists them.", nil, nil)
	descSuccs     = prometheus.NewDesc("p2pchord_ring_successors", "Number of successors that the node knows, at most 8.", nil, nil)
	descKey       = prometheus.NewDesc("p2pchord_node_key", "The node's key, its place on the ring.", nil, nil)
	descPeers     = prometheus.NewDesc("p2pchord_connected_peers", "Connected peers, by the path of the connection.", []string{"path"}, nil)
	descBootstrap = prometheus.NewDesc("p2pchord_bootstrap_connected", "1 for a bootstrap peer that is connected.", []string{"addr"}, nil)
	descFailed    = prometheus.NewDesc("p2pchord_store_failed", "1 when the disk accepts no changes; health gives the reason.", nil, nil)
	descAside     = prometheus.NewDesc("p2pchord_aside", "1 when the node has left the ring until its disk can be written again.", nil, nil)
	descUsed      = prometheus.NewDesc("p2pchord_store_used_bytes", "Bytes that the store uses.", nil, nil)
	descCapacity  = prometheus.NewDesc("p2pchord_store_capacity_bytes", "Bytes that the store may use; 0 when only the disk bounds it.", nil, nil)
	descBehind    = prometheus.NewDesc("p2pchord_copies_peers_behind", "Holders of this node's files with which it has not reconciled since its neighbors changed.", nil, nil)
	descShort     = prometheus.NewDesc("p2pchord_copies_missing", "Records of this node's files that are not on all of their holders yet, as far as it knows.", nil, nil)
	descQueue     = prometheus.NewDesc("p2pchord_repair_queue", "Blocks that this node is to hold and still has to fetch.", nil, nil)
	descReach     = prometheus.NewDesc("p2pchord_reachability", "1 for how others reach the node: public, private (through a relay or a punched hole), or unknown yet.", []string{"reachability"}, nil)
	descFree      = prometheus.NewDesc("p2pchord_store_free_bytes", "Bytes that may still be written before the disk is down to its reserve; -1 when that is unknown.", nil, nil)
)

func (state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descUp, descRing, descProblems, descSuccs, descKey, descPeers, descBootstrap, descUsed, descCapacity, descFree,
		descFailed, descAside, descBehind, descShort, descQueue, descReach,
	} {
		out <- d
	}
}

// Collect contains panics, because prometheus calls it on a goroutine of its own.
func (s state) Collect(out chan<- prometheus.Metric) {
	if err := contain.Run("metrics", func() error { s.collect(out); return nil }); err != nil {
		out <- prometheus.NewInvalidMetric(descUp, err)
	}
}

func (s state) collect(out chan<- prometheus.Metric) {
	h, err := s.peer.Health(context.Background())
	if err != nil {
		out <- prometheus.NewInvalidMetric(descUp, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descUp, oneIf(h.State == "active"))
	gauge(descRing, oneIf(h.Ring.OK))
	gauge(descProblems, float64(len(h.Ring.Problems)))
	gauge(descSuccs, float64(len(h.Successors)))
	gauge(descKey, float64(h.Key))
	gauge(descPeers, float64(h.Network.DirectPeers), "direct")
	gauge(descPeers, float64(h.Network.RelayedPeers), "relayed")
	for _, r := range []string{"public", "private", "unknown"} {
		gauge(descReach, oneIf(h.Network.Reachability == r), r)
	}
	gauge(descBehind, float64(h.Repair.PeersBehind))
	gauge(descShort, float64(h.CopiesMissing))
	gauge(descQueue, float64(h.Repair.BlocksMissing))
	seen := map[string]bool{}
	for _, b := range h.Bootstrap {
		if !seen[b.Addr] { // two with one address would make the scrape fail
			seen[b.Addr] = true
			gauge(descBootstrap, oneIf(b.Connected), b.Addr)
		}
	}
	gauge(descUsed, float64(h.Storage.UsedBytes))
	gauge(descCapacity, float64(h.Storage.CapacityBytes))
	gauge(descFailed, oneIf(h.Storage.Failed != ""))
	gauge(descAside, oneIf(h.Storage.Aside))
	gauge(descFree, float64(h.Storage.FreeDiskBytes))
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
