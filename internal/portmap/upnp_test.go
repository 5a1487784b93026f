package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/huin/goupnp/soap"
)

// igd is a router's table of opened ports.
type igd struct {
	entries   map[string]string // protocol and number outside to address and number inside
	permanent bool              // it knows no leases
	steals    bool              // it gives a number to whoever asks last
	silent    bool
	leases    []uint32 // that were granted
}

var errSilentRouter = errors.New("no answer")

func upnpFault(code int) error {
	f := &soap.SOAPFaultError{FaultString: "UPnPError"}
	f.Detail.UPnPError.Errorcode = code
	return f
}

func igdKey(protocol string, outside uint16) string { return fmt.Sprint(protocol, outside) }

func (g *igd) GetExternalIPAddressCtx(context.Context) (string, error) { return "1.2.3.4", nil }

func (g *igd) AddPortMappingCtx(_ context.Context, _ string, outside uint16, protocol string, inside uint16, client string, _ bool, _ string, lease uint32) error {
	to, key := fmt.Sprintf("%s:%d", client, inside), igdKey(protocol, outside)
	switch there, taken := g.entries[key]; {
	case g.silent:
		return errSilentRouter
	case g.permanent && lease > 0:
		return upnpFault(725)
	case taken && there != to && !g.steals:
		return upnpFault(718)
	}
	g.entries[key] = to
	g.leases = append(g.leases, lease)
	return nil
}

func (g *igd) DeletePortMappingCtx(_ context.Context, _ string, outside uint16, protocol string) error {
	delete(g.entries, igdKey(protocol, outside))
	return nil
}

func (g *igd) GetSpecificPortMappingEntryCtx(_ context.Context, _ string, outside uint16, protocol string) (uint16, string, bool, string, uint32, error) {
	if g.silent {
		return 0, "", false, "", 0, errSilentRouter
	}
	to, err := netip.ParseAddrPort(g.entries[igdKey(protocol, outside)])
	if err != nil {
		return 0, "", false, "", 0, upnpFault(714)
	}
	return to.Port(), to.Addr().String(), true, "", 0, nil
}

func TestUPnPAsksForTheSamePort(t *testing.T) {
	t.Parallel()
	const mine = "10.0.0.2:4701"
	p := Port{"tcp", 4701}
	for _, c := range []struct {
		name    string
		router  igd
		wanted  []int
		outside int // 0 for any other
	}{
		{"free", igd{}, []int{4701}, 4701},
		{"from an earlier run", igd{entries: map[string]string{"TCP4701": mine}}, []int{4701}, 4701},
		{"the one of the last run before the one inside", igd{}, []int{50_123, 4701}, 50_123},
		{"another machine's", igd{entries: map[string]string{"TCP4701": "10.0.0.3:4701"}}, []int{4701}, 0},
		{"another machine's, at a router that gives it away", igd{steals: true, entries: map[string]string{"TCP4701": "10.0.0.3:4701"}}, []int{4701}, 0},
		{"another program's on this machine", igd{steals: true, entries: map[string]string{"TCP4701": "10.0.0.2:80"}}, []int{4701}, 0},
		{"UDP says nothing of TCP", igd{entries: map[string]string{"UDP4701": "10.0.0.3:4701"}}, []int{4701}, 4701},
		{"permanent entries only", igd{permanent: true}, []int{4701}, 4701},
		{"nonsense remembered", igd{}, []int{0, 70_000, -1, 4701}, 4701},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := map[string]string{}
			for k, v := range c.router.entries {
				before[k] = v
			}
			if c.router.entries == nil {
				c.router.entries = map[string]string{}
			}
			r := &upnpRouter{upnpClient: &c.router, self: netip.MustParseAddr("10.0.0.2")}
			got, err := r.open(t.Context(), p, c.wanted...)
			if err != nil || c.outside != 0 && got != c.outside || c.outside == 0 && (got == 4701 || got < 10_000) {
				t.Fatalf("port %d, %v, want %d", got, err, c.outside)
			}
			if to := c.router.entries[igdKey("TCP", uint16(got))]; to != mine { //nolint:gosec // a port
				t.Errorf("port %d leads to %s", got, to)
			}
			for k, v := range before {
				if c.router.entries[k] != v {
					t.Errorf("%s led to %s, now to %s", k, v, c.router.entries[k])
				}
			}
			if err := r.close(t.Context(), p, got); err != nil {
				t.Error(err)
			}
		})
	}
	silent := &upnpRouter{upnpClient: &igd{silent: true}, self: netip.MustParseAddr("10.0.0.2")}
	if _, err := silent.open(t.Context(), p, 4701); !errors.Is(err, errSilentRouter) {
		t.Errorf("a silent router: %v", err)
	}
}
