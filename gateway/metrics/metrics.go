package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
)

// Metrics are those of one peer, for Prometheus. Counters start at zero with the process.
type Metrics struct {
	registry   *prometheus.Registry
	operations *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	bytes      *prometheus.CounterVec
}

// New returns the metrics of the process. Registerer takes libp2p's, and Of adds those of a peer.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "p2pchord_operations_total", Help: "Operations that the user asked of this node, by kind and outcome (ok, or the error's code).",
		}, []string{"operation", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "p2pchord_operation_seconds", Help: "Duration of operations, from the call to the last byte.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10), // to 262 s
		}, []string{"operation"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "p2pchord_transfer_bytes_total", Help: "Bytes of files that were put or got completely.",
		}, []string{"operation"}),
	}
	m.registry.MustRegister(m.operations, m.seconds, m.bytes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Registerer is where other packages register their metrics.
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// CountDroppedLines adds the number of lines of the process's output that were dropped.
func (m *Metrics) CountDroppedLines(dropped func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "p2pchord_output_lines_dropped_total", Help: "Lines of stdout and stderr, including log lines, that were dropped because nobody read them in time.",
	}, func() float64 { return float64(dropped()) }))
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// done counts an operation that has ended.
func (m *Metrics) done(operation string, began time.Time, err error) {
	outcome := "ok"
	if err != nil {
		outcome = string(api.ProblemOf(err).Code)
	}
	m.operations.WithLabelValues(operation, outcome).Inc()
	m.seconds.WithLabelValues(operation).Observe(time.Since(began).Seconds())
}
