// Package metrics collects the metrics of one peer for Prometheus and serves them on a port of
// their own.
//
// A Server owns the goroutine that accepts connections and net/http's for each of them; Close waits
// for them. The package takes no lock of its own.
package metrics
