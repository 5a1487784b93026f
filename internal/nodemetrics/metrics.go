// Package nodemetrics counts what a node does, for Prometheus. It measures nothing by itself:
// others tell it, or are asked when somebody collects.
package nodemetrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/membudget"
)

// Metrics are what a node counts of itself. Its methods may be called from many goroutines.
type Metrics struct {
	lookups *prometheus.CounterVec
	hops    prometheus.Histogram
	repairs *prometheus.CounterVec
	bytes   prometheus.Counter
}

// New registers the metrics of a node, and more collectors. Without a Registerer they are counted
// all the same, and nobody sees them.
func New(r prometheus.Registerer, memory *membudget.Budget, more ...prometheus.Collector) (*Metrics, error) {
	m := &Metrics{
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "p2pchord_lookups_total", Help: "Lookups of a key's owner, by outcome: known already, asked the ring, or failed.",
		}, []string{"outcome"}),
		hops: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "p2pchord_lookup_hops", Help: "Peers asked after the first in lookups that asked the ring.",
			Buckets: prometheus.LinearBuckets(0, 1, 17),
		}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "p2pchord_repairs_total", Help: "Records that repair sent to another holder, blocks that it fetched for this node, and failures of either.",
		}, []string{"what"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "p2pchord_repair_bytes_total", Help: "Bytes of the blocks that repair fetched for this node.",
		}),
	}
	for _, v := range []string{"known", "asked", "failed"} {
		m.lookups.WithLabelValues(v)
	}
	for _, v := range []string{"sent", "fetched", "failed"} {
		m.repairs.WithLabelValues(v)
	}
	if r == nil {
		return m, nil
	}
	var failed []error
	for _, c := range append(append(memoryGauges(memory), more...), m.lookups, m.hops, m.repairs, m.bytes, containedPanics()) {
		failed = append(failed, r.Register(c))
	}
	return m, errors.Join(failed...)
}

// containedPanics is how many panics the process has contained.
func containedPanics() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "p2pchord_panics_total", Help: "Panics that ended one request or one round of work, but not the process. Each is a bug.",
	}, func() float64 { return float64(contain.Total()) })
}

// memoryGauges tell how much memory blocks take.
func memoryGauges(b *membudget.Budget) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	return []prometheus.Collector{
		gauge("p2pchord_memory_used_bytes", "Memory that blocks of transfers and repairs take.", func() float64 {
			used, _ := b.Used()
			return float64(used)
		}),
		gauge("p2pchord_memory_limit_bytes", "Memory that they may take.", func() float64 { return float64(b.Total()) }),
		gauge("p2pchord_memory_waiting", "Transfers and repairs that wait for memory.", func() float64 {
			_, waiting := b.Used()
			return float64(waiting)
		}),
	}
}

// OwnerGuessed counts a lookup that this node could answer from its own view.
func (m *Metrics) OwnerGuessed() { m.lookups.WithLabelValues("known").Inc() }

// OwnerAsked counts a lookup that asked the ring.
func (m *Metrics) OwnerAsked(hops int, err error) {
	if err != nil {
		m.lookups.WithLabelValues("failed").Inc()
		return
	}
	m.lookups.WithLabelValues("asked").Inc()
	m.hops.Observe(float64(hops))
}

// RepairSent counts a record that went to another holder for repair.
func (m *Metrics) RepairSent(err error) { m.repaired("sent", err) }

// RepairFetched counts a block that came for repair.
func (m *Metrics) RepairFetched(size int64, err error) {
	m.repaired("fetched", err)
	if err == nil {
		m.bytes.Add(float64(size))
	}
}

func (m *Metrics) repaired(what string, err error) {
	if err != nil {
		what = "failed"
	}
	m.repairs.WithLabelValues(what).Inc()
}
