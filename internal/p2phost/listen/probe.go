package listen

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// TakenError says that an address couldn't be had although it was free a moment before.
type TakenError struct{ Addr ma.Multiaddr }

func (e *TakenError) Error() string {
	return fmt.Sprintf("can't listen on %s: the port is in use: stop the other program or choose another port with --listen", e.Addr)
}

// Unwrap returns the kind of the failure.
func (e *TakenError) Unwrap() error { return fault.Failed }

func probeAll(addrs []ma.Multiaddr) error {
	for _, a := range addrs {
		if err := probe(a); err != nil {
			return err
		}
	}
	return nil
}

// probe tries to have a's port for a moment. libp2p listens with SO_REUSEPORT, which lets two
// processes on one TCP port start silently and share its connections at random; a
// listener without that option finds the port in use.
func probe(a ma.Multiaddr) error {
	l, err := open(a[:2])
	if err == nil {
		err = l.Close()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return &TakenError{a}
	case errors.Is(err, syscall.EACCES):
		return fault.New(fault.Failed, "can't listen on %s: permission denied: choose a port from 1024 up with --listen", a)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fault.New(fault.Usage, "can't listen on %s: it is not an address of this machine: choose one that is, or 0.0.0.0", a)
	}
	return fault.New(fault.Failed, "can't listen on %s: %w", a, err)
}

func open(a ma.Multiaddr) (io.Closer, error) {
	if a[1].Code() == ma.P_UDP {
		return manet.ListenPacket(a)
	}
	return manet.Listen(a)
}

// Missing returns the first of want that is not among have, the addresses on which a host listens,
// or nil. Port 0 is any port.
func Missing(have, want []ma.Multiaddr) ma.Multiaddr {
	for _, w := range want {
		if !containsAddr(have, w) {
			return w
		}
	}
	return nil
}

func containsAddr(have []ma.Multiaddr, want ma.Multiaddr) bool {
	port, _ := peeraddr.Port(want)
	for _, a := range have {
		if len(a) != len(want) {
			continue
		}
		if port == 0 {
			got, _ := peeraddr.Port(a)
			if peeraddr.WithPort(want, got).Equal(a) {
				return true
			}
		} else if a.Equal(want) {
			return true
		}
	}
	return false
}
