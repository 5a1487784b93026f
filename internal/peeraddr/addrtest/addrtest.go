// Package addrtest reads addresses for tests.
package addrtest

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// Parse returns the multiaddrs that ss spell. One that is malformed ends the test.
func Parse(t testing.TB, ss ...string) []ma.Multiaddr {
	t.Helper()
	out := make([]ma.Multiaddr, len(ss))
	for i, s := range ss {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = a
	}
	return out
}
