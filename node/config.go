package node

import (
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membudget"
	hostlimits "github.com/p2pchord/p2pchord/internal/p2phost/limits"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/store"
)

// The defaults of Config.Connections and Config.ConnectionsPerAddress.
const (
	DefaultConnections           = hostlimits.PeerConnections
	DefaultConnectionsPerAddress = hostlimits.PeerConnectionsPerAddress
)

// MinMemory is the smallest Config.MemoryBytes.
const MinMemory = membudget.Least

// Config says how a Node runs. The zero value of every field but Data is a good default.
type Config struct {
	// Data is the folder that holds everything of one node: identity, records,
	// blocks, remembered peers. Made if it isn't there. One process at a time.
	Data string
	// Bootstrap lists bootstrap peers, each with its /p2p/ID. The node registers with
	// all and joins through any. Without any it joins through remembered peers, and
	// founds a ring when there are none.
	Bootstrap []ma.Multiaddr
	// Listen lists the addresses to listen on. Default: TCP and QUIC on DefaultPort, on all
	// interfaces, or on a free port when that one is taken.
	Listen []ma.Multiaddr
	// Announce lists further addresses under which others reach this node, for
	// instance those of a forwarded port.
	Announce []ma.Multiaddr
	// RingAddress is HOST:PORT; its hash, of HOST immediately followed by PORT, is the
	// node's key. Default: the peer ID's text form is hashed.
	RingAddress string
	// Copies is how many peers hold each file, 1 to 8, unless a put says otherwise. Default 3.
	Copies int
	// CapacityBytes bounds what the store takes. Default: no bound but the disk's reserve.
	CapacityBytes int64
	// MemoryBytes bounds the memory for blocks of all transfers and repairs together; those beyond
	// it wait for their turn. At least MinMemory. Default: an eighth of the machine's or the
	// control group's memory, MinMemory to 64 MiB.
	MemoryBytes int64
	// Heartbeat is how often neighbors are checked. Default 3 s: a dead neighbor
	// is noticed after about that long.
	Heartbeat time.Duration
	// Timeout bounds each step of an operation, and how long a transfer may make no progress.
	// Default 10 s.
	Timeout time.Duration
	// LimitUp and LimitDown bound what goes out and comes in of files, in bytes per
	// second, to and from all peers together. Default 0: no bound.
	LimitUp, LimitDown int64
	// TombstoneGrace is how long the ring remembers that a file was deleted after all holders know
	// it, and how long a copy is believed that nobody has confirmed. Default seven days. All peers
	// of a ring should have the same.
	TombstoneGrace time.Duration
	// MDNS finds peers of the same local network. Default off in the API; on in the command line.
	MDNS bool
	// Connections is how many connections there may be, ConnectionsPerAddress how many of them with
	// peers behind one IPv4 address or IPv6 /56. Default DefaultConnections and
	// DefaultConnectionsPerAddress.
	Connections, ConnectionsPerAddress int
	// Server is for a rented host: no address of a local network is dialed or announced, no router
	// is asked to forward a port, and MDNS is off whatever it says.
	Server bool
	// Events, if not nil, is called for what a person may want to know: joined, lost a neighbor,
	// repaired. It is called in order, by one goroutine of its own, so it may block: nothing waits
	// for it. Events that come while 1,024 wait are dropped; an Event of the kind "dropped" then
	// says how many. Close waits for it for up to five seconds; it must not call Close.
	Events func(Event)
	// Registerer receives the metrics of this node, and of no other, and libp2p's. Default: none
	// are kept.
	Registerer prometheus.Registerer

	vault        vaultKeys            // of an open ring, in tests; or nil
	clock        func() time.Time     // what ages are told by; time.Now but in tests
	storeOptions func(*store.Options) // changes the options of the store, in tests; or nil
}

// Event is something that happened to the node, in words.
type Event struct {
	Time time.Time `json:"time"`
	Kind string    `json:"event"`
	Text string    `json:"text"`
}

// ClientConfig says how a Client, which passes through without becoming a member, reaches the ring.
type ClientConfig struct {
	// Bootstrap lists bootstrap peers or members, each with its /p2p/ID. At least one.
	Bootstrap []ma.Multiaddr
	// Data is the data folder of a peer that has joined a private network: the client is that peer.
	// Default: the client has no identity of its own, and uses an open ring.
	Data string
	// Timeout as in Config. Default 10 s.
	Timeout time.Duration
	// MemoryBytes as in Config.
	MemoryBytes int64
	// LimitUp and LimitDown as in Config.
	LimitUp, LimitDown int64

	vault vaultKeys   // nil when files are not encrypted
	clear func() bool // whether those that are not are looked for too; or nil
}

// vaultKeys returns the keys with which files are encrypted, or why there are none now.
type vaultKeys = func() (*vault.Vault, error)

// withDefaults checks a configuration and fills in what it leaves open.
func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		return c, fault.New(fault.Usage, "a node needs a data folder")
	}
	if c.Copies == 0 {
		c.Copies = 3
	}
	if c.Copies < 1 || c.Copies > protocol.MaxCopies {
		return c, fault.New(fault.Usage, "a file has 1 to %d copies, not %d", protocol.MaxCopies, c.Copies)
	}
	if c.CapacityBytes < 0 {
		return c, fault.New(fault.Usage, "the capacity can't be negative")
	}
	var err error
	if c.MemoryBytes, err = memoryBytes(c.MemoryBytes); err != nil {
		return c, err
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 3 * time.Second
	}
	if c.Heartbeat < 3*tickLength || c.Heartbeat > time.Hour {
		return c, fault.New(fault.Usage, "the heartbeat has to be between %s and 1h, not %s", 3*tickLength, c.Heartbeat)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.TombstoneGrace == 0 {
		c.TombstoneGrace = time.Duration(replica.DefaultGrace) * time.Millisecond
	}
	if c.TombstoneGrace < c.Heartbeat {
		return c, fault.New(fault.Usage, "deletes have to be remembered for a heartbeat at least, not %s", c.TombstoneGrace)
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.LimitUp < 0 || c.LimitDown < 0 {
		return c, fault.New(fault.Usage, "a limit of bytes per second can't be negative")
	}
	if c.Timeout < 0 {
		return c, fault.New(fault.Usage, "the timeout can't be negative")
	}
	return c, nil
}

// memoryBytes checks how much memory blocks may take, and says so for who leaves it open.
func memoryBytes(n int64) (int64, error) {
	switch {
	case n == 0:
		return membudget.Default(), nil
	case n < MinMemory:
		return 0, fault.New(fault.Usage, "the memory for blocks has to be at least %d MiB, or transfers would wait for each other forever", MinMemory>>20)
	}
	return n, nil
}

// limits are the limits of bytes per second; 0 is none.
func limits(up, down int64) protocol.Limits {
	return protocol.Limits{Up: protocol.NewLimit(up), Down: protocol.NewLimit(down)}
}
