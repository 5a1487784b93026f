package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

// Config says for whom and what to look.
type Config struct {
	Host host.Host
	// Bootstrap are the bootstrap peers of the ring. Peers that share one of them find each other;
	// so do peers without any.
	Bootstrap []ma.Multiaddr
	// Found is called for each peer that was found, this one aside.
	Found func(peer.AddrInfo)
}

// Service looks for peers until it is closed.
type Service struct{ started []mdns.Service }

// Start looks for peers. Close has to be called even when it fails.
func Start(cfg Config) (*Service, error) {
	s := &Service{}
	for _, name := range serviceNames(cfg.Bootstrap) {
		m := mdns.NewMdnsService(cfg.Host, name, notifee(cfg))
		if err := m.Start(); err != nil {
			return s, errors.Join(err, m.Close())
		}
		s.started = append(s.started, m)
	}
	return s, nil
}

// Close ends the search.
func (s *Service) Close() error {
	var errs []error
	for _, m := range s.started {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// OnlyLoopback reports whether no other machine can reach a host.
func OnlyLoopback(h host.Host) bool {
	for _, a := range h.Network().ListenAddresses() {
		if !manet.IsIPLoopback(a) {
			return false
		}
	}
	return true
}

// serviceNames are the services under which a peer is found: one for each bootstrap peer, so that
// rings of different people on one network stay apart, and a common one for peers without any.
func serviceNames(bootstrap []ma.Multiaddr) []string {
	infos, err := peeraddr.Infos(bootstrap)
	if err != nil || len(infos) == 0 {
		return []string{"_p2pchord._udp"}
	}
	var out []string
	for _, info := range infos {
		sum := sha256.Sum256([]byte(info.ID))
		out = append(out, "_p2pchord-"+hex.EncodeToString(sum[:4])+"._udp")
	}
	return out
}

// notifee takes in what mDNS finds.
type notifee Config

// HandlePeerFound implements mdns.Notifee.
func (n notifee) HandlePeerFound(info peer.AddrInfo) {
	if info.ID != n.Host.ID() {
		n.Found(info)
	}
}
