package bootstrap

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	logging "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
	"github.com/p2pchord/p2pchord/internal/admission"
	"github.com/p2pchord/p2pchord/internal/delivery"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/instance"
	"github.com/p2pchord/p2pchord/internal/joining"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/ring"
)

var log = logging.Logger("p2pchord/bootstrap")

// Names within Config.Data.
const (
	identityName = "identity"
	rosterName   = "roster"
	portsName    = "ports.json" // see p2phost.Config.PortFile
)

// protection tags the connections of members in the connection manager.
const protection = "p2pchord-roster"

// Peer is a running bootstrap peer.
type Peer struct {
	cfg     Config
	folder  *durable.Folder
	host    host.Host
	client  *protocol.Client
	service *protocol.Service
	guard   *instance.Guard
	acl     *relayACL

	mu     sync.Mutex
	roster *roster.Roster
	pace   *pace
	dirty  bool // the roster differs from the one on disk

	wake      chan struct{} // there is a claim to look into
	polling   chan struct{} // a place for each poll under way
	polls     sync.WaitGroup
	pollsAt   map[netip.Prefix]int   // polls under way, by the household of the peer asked; of mu
	events    *delivery.Queue[Event] // on their way to Config.Events
	ring      protocol.Ring          // zero: an open one
	private   *membership.Network    // nil in an open ring, as the next three
	admission *admission.Admission
	joining   *joining.Server
	ignore    func() // ends the subscription to changes of the network
	cancel    context.CancelFunc
	done      chan struct{}
	redials   sync.WaitGroup // of the members of the last run
	unwatch   func()         // ends the watch of the addresses
	closeOnce sync.Once
	closeErr  error
}

// New starts a bootstrap peer. It serves when New returns. ctx bounds the start only. Errors are
// fault kinds: Usage for a bad address or setting, NotAllowed for a data folder in use or on
// a read-only disk, NoSpace for a full disk, Failed for a port in use.
func New(ctx context.Context, cfg Config) (*Peer, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.New(fault.Interrupted, "the bootstrap peer was not started: %w", err)
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	folder, err := durable.LockFolder(cfg.Data)
	if err != nil {
		return nil, durable.CantOpen(cfg.Data, err)
	}
	if folder.Warning != "" {
		log.Error(folder.Warning)
	}
	p := &Peer{
		cfg: cfg, folder: folder, pace: newPace(cfg.Heartbeat), events: newEvents(cfg.Events), done: make(chan struct{}),
		wake: make(chan struct{}, 1), polling: make(chan struct{}, pollsAtOnce), pollsAt: make(map[netip.Prefix]int),
	}
	if err := p.start(); err != nil {
		p.events.Close(0)
		return nil, errors.Join(durable.CantOpen(cfg.Data, err), folder.Unlock())
	}
	return p, nil
}

func (p *Peer) start() error {
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(p.cfg.Data, identityName))
	if err != nil {
		return err
	}
	if err := p.openNetwork(key); err != nil {
		return err
	}
	remembered := loadRoster(p.rosterPath(), p.ring)
	p.roster = roster.New(p.cfg.Heartbeat, p.cfg.MaxPeers, rand.Uint64(), remembered, time.Now())
	p.acl = newRelayACL(p.status, p.noMembers, time.Now)
	p.host, err = p2phost.New(p2phost.Config{
		Profile:     p2phost.Bootstrap,
		Key:         key,
		Listen:      p.cfg.Listen,
		DefaultPort: DefaultPort,
		PortFile:    filepath.Join(p.cfg.Data, portsName),
		Announce:    p.cfg.Announce,
		Relay:       p.cfg.Relay,
		RelayACL:    p.acl,
		Connections: p.cfg.Connections, ConnectionsPerAddress: p.cfg.ConnectionsPerAddress, Neighbor: p.isMember,
		Access:     p.admission.Access(),
		Server:     p.cfg.Server,
		Version:    p.cfg.Version,
		Registerer: p.cfg.Registerer,
	})
	if err != nil {
		return err
	}
	p.startNetwork()
	if p.unwatch, err = p.watchAddrs(); err != nil {
		return errors.Join(err, p.closeNetwork(), p.host.Close())
	}
	p.client = protocol.NewClient(p.host, protocol.ClientOptions{DialTimeout: pollTimeout, Timeout: pollTimeout})
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go p.run(ctx)
	p.guard = instance.New(instance.Config{Host: p.host, Member: func() bool { return false }, Found: p.foundInstance})
	p.service = protocol.ServeBootstrap(p.host, p.serveOptions(), p.handle)
	p.redials.Go(func() { p.redial(ctx, remembered) })
	return nil
}

// Close stops serving, remembers the members on disk, and waits for everything that the Peer has
// started.
func (p *Peer) Close() error {
	p.closeOnce.Do(func() {
		err := p.service.Close()
		p.unwatch()
		p.cancel()
		<-p.done
		p.redials.Wait()
		p.polls.Wait()
		p.closeErr = errors.Join(err, p.closeNetwork(), p.guard.Close(), p.client.Close(), p.host.Close(), p.save(), p.folder.Unlock())
		p.events.Close(eventsEnd) // a callback that blocks for longer is left behind
	})
	return p.closeErr
}

// foundInstance is told of each other process with this bootstrap peer's identity. Both go on:
// each introduces those who register with it.
func (p *Peer) foundInstance(o instance.Other) {
	log.Errorw("another process runs with this bootstrap peer's identity: a data folder was copied; delete "+identityName+" in one of them and give out its new address",
		"address", o.Address, "seen by", o.Seen)
}

// ID is the peer's identity, which it keeps in Config.Data.
func (p *Peer) ID() peer.ID { return p.host.ID() }

// Addrs returns the addresses to give to nodes, each with /p2p/ID, loopback last.
func (p *Peer) Addrs() []ma.Multiaddr { return peeraddr.Full(p.host) }

// Heartbeat is how often members say that they live.
func (p *Peer) Heartbeat() time.Duration { return p.cfg.Heartbeat }

// Roster returns the live members, from the lowest position.
func (p *Peer) Roster() []Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	live := p.roster.Members()
	out := make([]Member, len(live))
	for i, info := range live {
		out[i] = memberOf(info)
	}
	return out
}

// run declares peers lost and saves the roster, until ctx ends.
func (p *Peer) run(ctx context.Context) {
	defer close(p.done)
	tick := time.NewTicker(p.cfg.Heartbeat / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			p.poll(ctx)
		case <-tick.C:
			p.sweep()
			p.poll(ctx)
			if err := p.save(); err != nil {
				log.Errorw("the roster can't be kept on disk; a restart would not know the members", "err", err)
			}
		}
	}
}

// sweep declares peers lost and sends strangers away.
func (p *Peer) sweep() {
	now := time.Now()
	p.mu.Lock()
	before := p.roster.Len()
	p.note(now, p.roster.Expire(now))
	if p.roster.Len() != before {
		p.dirty = true
	}
	p.pace.sweep(now)
	p.mu.Unlock()
	for _, id := range p.acl.sweep() {
		if err := p.host.Network().ClosePeer(id); err != nil {
			log.Debugw("can't disconnect a peer that didn't register", "peer", id, "err", err)
		}
	}
}

// note tells of changes. The caller holds mu.
func (p *Peer) note(now time.Time, changes []roster.Change) {
	for _, c := range changes {
		p.dirty = true
		p.events.Put(eventOf(c, now))
		if c.Kind == roster.Joined {
			p.host.ConnManager().Protect(c.Peer.ID, protection)
		} else {
			p.host.ConnManager().Unprotect(c.Peer.ID, protection)
		}
	}
}

// wakeUp makes run look into claims.
func (p *Peer) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// status returns the membership status of id.
func (p *Peer) status(id peer.ID) roster.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roster.Status(ring.ID(id))
}

// noMembers reports whether the ring has no member that is known here.
func (p *Peer) noMembers() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roster.MemberCount() == 0
}

// isMember reports whether id is a member of the ring.
func (p *Peer) isMember(id peer.ID) bool { return p.status(id) == roster.Member }
