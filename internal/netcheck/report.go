package netcheck

import (
	"time"

	"github.com/p2pchord/p2pchord/internal/connections"
)

// The results of a check. Their JSON is the contract of the command line: fields may be added,
// never renamed.
type (
	// Report says how a node reaches others, how they reach it, and what is wrong with that.
	Report struct {
		// Online says that a running node was examined. Otherwise a temporary host was.
		Online       bool   `json:"online"`
		PeerID       string `json:"peer_id"`
		Reachability string `json:"reachability"` // "public", "private" or "unknown"
		// IP addresses of this machine, without loopback
		Machine     []string         `json:"machine"`
		Addrs       []AddrCheck      `json:"addrs"`
		NAT         NATCheck         `json:"nat"`
		PortMapping PortMapping      `json:"port_mapping"`
		Bootstrap   []BootstrapCheck `json:"bootstrap"`
		Relays      []RelayCheck     `json:"relays"`
		// the last attempt with each peer, the newest first
		HolePunching []PunchCheck    `json:"hole_punching"`
		Neighbours   []NeighborCheck `json:"neighbours"` // offline: remembered members
		Clock        ClockCheck      `json:"clock"`
		Problems     []Problem       `json:"problems"` // faults first
	}
	// AddrCheck is one address of the node.
	AddrCheck struct {
		Addr      string `json:"addr"`
		Transport string `json:"transport"` // "tcp", "quic" or "ws"
		Scope     string `json:"scope"`     // "public", "private", "loopback" or "relay"
		Verdict   string `json:"verdict"`   // "reachable", "unreachable", "unknown" or "local"
		// From lists peer IDs: the tester, or for a local address those that are connected to it.
		From []string `json:"from"`
		// Seen says that the address is not announced: others see connections come from it.
		Seen bool `json:"seen"`
	}
	// NATCheck is what stands between the node and the internet. Kind is the worse of TCP and UDP.
	NATCheck struct {
		// "none", "endpoint_independent", "endpoint_dependent" or "unknown"
		Kind     string     `json:"kind"`
		TCP      string     `json:"tcp"`
		UDP      string     `json:"udp"`
		Observed []Observed `json:"observed"`
	}
	// Observed is where a peer saw a connection of the node come from.
	Observed struct {
		Addr      string `json:"addr"`
		Transport string `json:"transport"`
		By        string `json:"by"` // peer ID
	}
	// PortMapping is what the router does when it is asked by UPnP or NAT-PMP.
	PortMapping struct {
		Tried  bool         `json:"tried"`
		Router bool         `json:"router"` // one was found that speaks either
		Mapped []MappedPort `json:"mapped"`
	}
	// MappedPort is a port of this machine and the address that the router gave it outside.
	MappedPort struct {
		Listen  string `json:"listen"`
		Outside string `json:"outside"`
	}
	// BootstrapCheck is one bootstrap peer, or a member given in its place.
	BootstrapCheck struct {
		Addr      string   `json:"addr"`
		PeerID    string   `json:"peer_id"`
		Connected bool     `json:"connected"`
		MS        *float64 `json:"ms"`    // there and back
		Error     string   `json:"error"` // why it isn't connected
		// TCP and QUIC are the outcomes of test connections; see DialOK.
		TCP    string `json:"tcp"`
		QUIC   string `json:"quic"`
		Relay  bool   `json:"relay"`  // it offers to relay
		Tester bool   `json:"tester"` // it offers to test addresses
	}
	// RelayCheck is a relay at which the node has a slot, or tried to get one.
	RelayCheck struct {
		PeerID  string     `json:"peer_id"`
		Held    bool       `json:"held"`
		Expires *time.Time `json:"expires"`
		// of a relayed connection, each way; 0 is no limit
		LimitBytes   int64  `json:"limit_bytes"`
		LimitSeconds int64  `json:"limit_seconds"` // of a relayed connection; 0 is no limit
		Error        string `json:"error"`
	}
	// PunchCheck says how the last attempt at a direct connection with a peer ended.
	PunchCheck struct {
		PeerID   string    `json:"peer_id"`
		At       time.Time `json:"at"`
		Outcome  string    `json:"outcome"` // "direct", "failed", or "under way"
		Punched  bool      `json:"punched"` // false: the peer was dialed without hole punching
		Attempts int       `json:"attempts"`
		MS       float64   `json:"ms"`
		Error    string    `json:"error"`
	}
	// NeighborCheck is a neighbor in the ring and the time to it.
	NeighborCheck struct {
		PeerID      string `json:"peer_id"`
		Key         uint16 `json:"key"`
		RingAddress string `json:"ring_address"`
		Role        string `json:"role"` // "successor", "predecessor", "finger", or "remembered"
		// "direct", "relayed", or empty when there is no connection
		Path      string   `json:"path"`
		Via       string   `json:"via"`
		Transport string   `json:"transport"`
		MS        *float64 `json:"ms"` // there and back; null when there is no answer
		// ClockSeconds says by how much its clock is ahead of most others', or behind if it is
		// negative. It is 0 up to ClockTolerance, and null when the peer has not reported its time.
		ClockSeconds *float64 `json:"clock_seconds"`
	}
	// ClockCheck compares this machine's clock with those of neighbors: with the times that they
	// report in their answers, or, for earlier builds, with the times at which they signed their
	// addresses, which show only that a clock is ahead.
	ClockCheck struct {
		Compared int `json:"compared"` // neighbors
		// those more than ClockTolerance ahead of this machine
		Ahead   int     `json:"ahead"`
		Seconds float64 `json:"ahead_seconds"` // by at least this much
		// Off says by how much this machine's clock is ahead of most neighbors', or behind if it is
		// negative. It is 0 up to ClockTolerance.
		Off float64 `json:"off_seconds"`
	}
	// Problem is something that is wrong, or worth knowing, in sentences for people.
	Problem struct {
		Code     string `json:"code"`
		Severity string `json:"severity"` // "fault" or "note"
		What     string `json:"what"`
		Why      string `json:"why"`
		Do       string `json:"do"`
	}
)

// The verdicts on an address.
const (
	VerdictReachable   = "reachable"   // a peer elsewhere has connected to it for a test
	VerdictUnreachable = "unreachable" // a peer elsewhere tried and failed
	VerdictUnknown     = "unknown"     // nobody could be asked
	VerdictLocal       = "local"       // of this machine or its own network, not of the internet
)

// The scopes of an address.
const (
	ScopePublic   = "public"
	ScopePrivate  = "private"
	ScopeLoopback = "loopback"
	ScopeRelay    = "relay"
)

// The kinds of router between a node and the internet.
const (
	NATNone = "none" // connections leave under this machine's own address
	// NATIndependent: all connections from one port have one outside port. Hole punching works.
	NATIndependent = "endpoint_independent"
	// NATDependent: each connection has an outside port of its own. Hole punching doesn't work.
	NATDependent = "endpoint_dependent"
	// NATUnknown: fewer than two peers outside have seen a connection.
	NATUnknown = "unknown"
)

// The severities of a problem.
const (
	SeverityFault = "fault" // something does not work
	SeverityNote  = "note"  // it works, and could be better
)

// The outcomes of a test connection by one transport.
const (
	DialOK         = "ok"
	DialNoAnswer   = "no answer"
	DialNotOffered = "not offered"
	DialTooLarge   = "too large"  // of QUIC: small packets are answered, its own are lost
	DialWrongDate  = "wrong date" // its certificate is not valid by this machine's clock
)

// Roles of a neighbor that the check treats in their own way. The others are those of package node.
const (
	RoleFinger     = connections.RoleFinger // silence is no problem: the ring replaces it
	RoleRemembered = "remembered"           // a member remembered from the last run
)

// Reached reports whether any other peer could be reached.
func (c Report) Reached() bool {
	for _, b := range c.Bootstrap {
		if b.Connected {
			return true
		}
	}
	for _, n := range c.Neighbours {
		if n.MS != nil {
			return true
		}
	}
	return false
}

// Faults counts the problems that are faults.
func (c Report) Faults() int {
	n := 0
	for _, p := range c.Problems {
		if p.Severity == SeverityFault {
			n++
		}
	}
	return n
}

// How others reach a node.
const (
	ReachablePublic  = "public"
	ReachablePrivate = "private"
	ReachableUnknown = "unknown"
)
