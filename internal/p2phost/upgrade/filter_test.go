package upgrade

import (
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/internal/peeraddr/addrtest"
)

func TestWithSiblings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		in, want []string
	}{
		{"QUIC seen, TCP guessed", []string{"/ip4/1.2.3.4/udp/999/quic-v1"}, []string{
			"/ip4/1.2.3.4/udp/999/quic-v1", "/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/udp/6/quic-v1",
		}},
		{"private stays alone", []string{"/ip4/10.0.0.1/tcp/5"}, []string{"/ip4/10.0.0.1/tcp/5"}},
		{"known already", []string{"/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/udp/6/quic-v1"}, []string{
			"/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.4/udp/6/quic-v1",
		}},
		{"a name is no address", []string{"/dns4/a.example.org/tcp/5"}, []string{"/dns4/a.example.org/tcp/5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range withSiblings(addrtest.Parse(t, c.in...), 5, 6) {
				got = append(got, a.String())
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
