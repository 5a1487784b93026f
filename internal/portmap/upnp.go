package portmap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

const (
	// upnpSearchTimeout bounds the search for a router, and upnpTimeout one request to it.
	upnpSearchTimeout = 15 * time.Second
	upnpTimeout       = 3 * time.Second
	// randomTries is how many random numbers are asked for when those that are wanted are taken.
	randomTries = 3
	// upnpDescription is what a router shows beside the port.
	upnpDescription = "p2pchord"
)

// upnpOnlyPermanent is the error of a router that knows no leases, OnlyPermanentLeasesSupported
// (WANIPConnection:1, section 2.4).
const upnpOnlyPermanent = 725

// upnpClient is one connection of a router with the internet, as UPnP describes it.
type upnpClient interface {
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	AddPortMappingCtx(ctx context.Context, remote string, outside uint16, protocol string, inside uint16, client string, enabled bool, description string, lease uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, outside uint16, protocol string) error
	GetSpecificPortMappingEntryCtx(ctx context.Context, remote string, outside uint16, protocol string) (inside uint16, client string, enabled bool, description string, lease uint32, err error)
}

// upnpRouter is a router that opens ports by UPnP.
type upnpRouter struct {
	upnpClient
	self netip.Addr // this machine's address in its network
}

var errNoUPnP = errors.New("no router answers by UPnP")

// findUPnP searches the local network for a router. It prefers the one that is the default gateway.
func findUPnP(ctx context.Context, gateway net.IP) (*upnpRouter, error) {
	ctx, cancel := context.WithTimeout(ctx, upnpSearchTimeout)
	defer cancel()
	var last error
	for _, target := range []string{
		internetgateway2.URN_WANConnectionDevice_1, internetgateway2.URN_WANConnectionDevice_2,
		"urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
	} { // one after the other: some routers fail when they are asked several things at a time
		devices, err := goupnp.DiscoverDevicesCtx(ctx, target)
		if err != nil {
			last = err
			continue
		}
		slices.SortStableFunc(devices, func(a, b goupnp.MaybeRootDevice) int { return rank(a, gateway) - rank(b, gateway) })
		for _, d := range devices {
			if d.Err != nil {
				last = d.Err
				continue
			}
			if r, err := routerOf(d.Root); err == nil {
				return r, nil
			} else if !errors.Is(err, errNoUPnP) {
				last = err
			}
		}
	}
	return nil, errors.Join(errNoUPnP, last)
}

// rank returns 0 for the device at the gateway, and 1 for others.
func rank(d goupnp.MaybeRootDevice, gateway net.IP) int {
	if d.Location != nil && gateway != nil && d.Location.Hostname() == gateway.String() {
		return 0
	}
	return 1
}

// routerOf returns the first connection of a device with the internet.
func routerOf(root *goupnp.RootDevice) (*upnpRouter, error) {
	var client upnpClient
	root.Device.VisitServices(func(s *goupnp.Service) {
		if client != nil {
			return
		}
		at := goupnp.ServiceClient{SOAPClient: s.NewSOAPClient(), RootDevice: root, Service: s}
		switch s.ServiceType {
		case internetgateway2.URN_WANIPConnection_1:
			client = &internetgateway2.WANIPConnection1{ServiceClient: at}
		case internetgateway2.URN_WANIPConnection_2:
			client = &internetgateway2.WANIPConnection2{ServiceClient: at}
		case internetgateway2.URN_WANPPPConnection_1:
			client = &internetgateway2.WANPPPConnection1{ServiceClient: at}
		}
	})
	if client == nil {
		return nil, errNoUPnP
	}
	self, err := addressToward(root.URLBase.Hostname())
	if err != nil {
		return nil, err
	}
	return &upnpRouter{upnpClient: client, self: self}, nil
}

// addressToward returns the address from which this machine reaches host. It sends no packet.
func addressToward(host string) (netip.Addr, error) {
	c, err := net.Dial("udp4", net.JoinHostPort(host, "9")) //nolint:noctx // it only asks the system for a route
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = c.Close() }() // nothing was sent
	from, err := netip.ParseAddrPort(c.LocalAddr().String())
	return from.Addr(), err
}

// external returns the router's external address.
func (r *upnpRouter) external(ctx context.Context) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, upnpTimeout)
	defer cancel()
	text, err := r.GetExternalIPAddressCtx(ctx)
	if err != nil {
		return netip.Addr{}, err
	}
	ip, err := netip.ParseAddr(text)
	if err == nil && (ip.IsUnspecified() || !ip.Is4()) {
		err = fmt.Errorf("the router has the external address %s", ip)
	}
	return ip, err
}

// open asks the router to forward one external number to p: the first of wanted that is free, or a
// random one.
func (r *upnpRouter) open(ctx context.Context, p Port, wanted ...int) (external int, err error) {
	for range randomTries {
		wanted = append(wanted, 10_000+rand.IntN(55_000)) //nolint:gosec // not a secret
	}
	for i, external := range wanted {
		if external < 1 || external > 65535 || slices.Contains(wanted[:i], external) {
			continue
		}
		if taken := r.takenBy(ctx, p, external); taken != "" {
			err = fmt.Errorf("external port %d is forwarded to %s", external, taken)
			continue
		}
		if err = r.add(ctx, p, external); err == nil {
			return external, nil
		}
		if ctx.Err() != nil || !isSOAPFault(err) {
			break // the router doesn't answer
		}
	}
	return 0, err
}

// takenBy returns to whom else an external number is forwarded, or "". It is asked first because
// some routers give a port that is in use to whoever asks last.
func (r *upnpRouter) takenBy(ctx context.Context, p Port, external int) string {
	ctx, cancel := context.WithTimeout(ctx, upnpTimeout)
	defer cancel()
	inside, client, _, _, _, err := r.GetSpecificPortMappingEntryCtx(ctx, "", uint16(external), p.upnp()) //nolint:gosec // checked by open
	if err != nil || client == "" {
		return ""
	}
	if ip, err := netip.ParseAddr(client); err == nil && ip == r.self && int(inside) == p.Number {
		return "" // from an earlier run
	}
	return fmt.Sprintf("%s:%d", client, inside)
}

// add asks for one number with a lease; for good where the router knows no leases.
func (r *upnpRouter) add(ctx context.Context, p Port, external int) error {
	ctx, cancel := context.WithTimeout(ctx, upnpTimeout)
	defer cancel()
	ask := func(d time.Duration) error {
		return r.AddPortMappingCtx(ctx, "", uint16(external), p.upnp(), uint16(p.Number), r.self.String(), true, upnpDescription, uint32(d/time.Second)) //nolint:gosec // checked
	}
	err := ask(lease)
	var f *soap.SOAPFaultError
	if errors.As(err, &f) && f.Detail.UPnPError.Errorcode == upnpOnlyPermanent {
		err = ask(0)
	}
	return err
}

// close gives an external number back.
func (r *upnpRouter) close(ctx context.Context, p Port, external int) error {
	return r.DeletePortMappingCtx(ctx, "", uint16(external), p.upnp()) //nolint:gosec // as it was opened
}

func isSOAPFault(err error) bool {
	var f *soap.SOAPFaultError
	return errors.As(err, &f)
}
