package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

var log = golog.Logger("p2pchord/discovery")

// Config says for whom and what to look.
type Config struct {
	Host host.Host
	// NameOf, if not nil, is for a private network: the name on a day under which its peers find
	// each other, which tells nothing to others.
	NameOf func(time.Time) [8]byte
	// Bootstrap are the bootstrap peers of an open ring. Peers that share one of them find each
	// other; so do peers without any.
	Bootstrap []ma.Multiaddr
	// Found is called for each peer that was found, this one aside.
	Found func(peer.AddrInfo)
}

// Names of private networks change with the day. A change is looked for so often, and around it
// both names are in use for so long, as clocks differ.
const (
	lookEvery = time.Minute
	overlap   = time.Hour
)

// Service looks for peers until it is closed.
type Service struct {
	cfg  Config
	stop chan struct{}
	wg   sync.WaitGroup

	mu      sync.Mutex
	started map[string]mdns.Service // by name
}

// Start looks for peers. Close has to be called even when it fails.
func Start(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, stop: make(chan struct{}), started: make(map[string]mdns.Service)}
	if err := s.use(serviceNames(cfg, time.Now())); err != nil {
		return s, err
	}
	if cfg.NameOf != nil {
		s.wg.Go(s.follow)
	}
	return s, nil
}

// follow uses the names of the day until the service is closed.
func (s *Service) follow() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			if err := s.use(serviceNames(s.cfg, now)); err != nil {
				log.Warnw("can't look for peers on the local network", "err", err)
			}
		}
	}
}

// use starts what is to be used and isn't yet, and ends the rest.
func (s *Service) use(names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for name, m := range s.started {
		if !slices.Contains(names, name) {
			errs = append(errs, m.Close())
			delete(s.started, name)
		}
	}
	for _, name := range names {
		if s.started[name] != nil {
			continue
		}
		m := mdns.NewMdnsService(s.cfg.Host, name, notifee(s.cfg))
		if err := m.Start(); err != nil {
			return errors.Join(append(errs, err, m.Close())...)
		}
		s.started[name] = m
	}
	return errors.Join(errs...)
}

// Close ends the search.
func (s *Service) Close() error {
	close(s.stop)
	s.wg.Wait()
	return s.use(nil)
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

// serviceNames are the services under which a peer is found: in an open ring one for each bootstrap
// peer, so that rings of different people on one network stay apart, and a common one for peers
// without any. In a private network one for the day.
func serviceNames(cfg Config, now time.Time) []string {
	if cfg.NameOf != nil {
		var out []string
		for _, at := range []time.Time{now.Add(-overlap), now.Add(overlap)} {
			name := cfg.NameOf(at)
			out = append(out, "_p2pchord-"+hex.EncodeToString(name[:])+"._udp")
		}
		return slices.Compact(out)
	}
	infos, err := peeraddr.Infos(cfg.Bootstrap)
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
