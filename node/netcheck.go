package node

import "time"

// The verdicts on an address.
const (
	VerdictReachable   = "reachable"   // a peer elsewhere has connected to it for a test
	VerdictUnreachable = "unreachable" // one tried in vain
	VerdictUnknown     = "unknown"     // nobody could be asked
	VerdictLocal       = "local"       // of this machine, or its own network: not for the internet
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
	NATNone        = "none"                 // connections leave under this machine's own address
	NATIndependent = "endpoint_independent" // one outside port for all connections from one port: hole punching works
	NATDependent   = "endpoint_dependent"   // an outside port of its own for each connection: it doesn't
	NATUnknown     = "unknown"              // nobody outside, or only one, has seen a connection
)

// The results of a check of the network. Their JSON is the command line's contract: fields may be
// added, never renamed.
type (
	// Netcheck is how a node reaches others and they it, and what is wrong with that.
	Netcheck struct {
		// Online says that a running node was asked. Otherwise it is what a short-lived one found out.
		Online       bool             `json:"online"`
		PeerID       string           `json:"peer_id"`
		Reachability string           `json:"reachability"` // "public", "private" or "unknown"
		Machine      []string         `json:"machine"`      // IP addresses of this machine, without loopback
		Addrs        []AddrCheck      `json:"addrs"`
		NAT          NATCheck         `json:"nat"`
		PortMapping  PortMapping      `json:"port_mapping"`
		Bootstrap    []BootstrapCheck `json:"bootstrap"`
		Relays       []RelayCheck     `json:"relays"`
		HolePunching []PunchCheck     `json:"hole_punching"` // the last attempt with each peer, the newest first
		Neighbours   []NeighbourCheck `json:"neighbours"`    // offline: members remembered
		Clock        ClockCheck       `json:"clock"`
		Problems     []Problem        `json:"problems"` // faults first
	}
	// AddrCheck is one address of the node.
	AddrCheck struct {
		Addr      string   `json:"addr"`
		Transport string   `json:"transport"` // "tcp", "quic" or "ws"
		Scope     string   `json:"scope"`     // "public", "private", "loopback" or "relay"
		Verdict   string   `json:"verdict"`   // "reachable", "unreachable", "unknown" or "local"
		From      []string `json:"from"`      // peer IDs: who tested it, or of a local one who is connected to it
		Seen      bool     `json:"seen"`      // not announced: it is where others see connections come from
	}
	// NATCheck is what stands between the node and the internet. Kind is the worse of TCP and UDP.
	NATCheck struct {
		Kind     string     `json:"kind"` // "none", "endpoint_independent", "endpoint_dependent" or "unknown"
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
		TCP       string   `json:"tcp"`   // a connection made for the test: "ok", "no answer", "too large" (QUIC only), or "not offered"
		QUIC      string   `json:"quic"`
		Relay     bool     `json:"relay"`  // it offers to relay
		Tester    bool     `json:"tester"` // it offers to test addresses
	}
	// RelayCheck is a relay at which the node has a slot, or tried to get one.
	RelayCheck struct {
		PeerID       string     `json:"peer_id"`
		Held         bool       `json:"held"`
		Expires      *time.Time `json:"expires"`
		LimitBytes   int64      `json:"limit_bytes"`   // of a relayed connection, each way; 0 is no limit
		LimitSeconds int64      `json:"limit_seconds"` // of a relayed connection; 0 is no limit
		Error        string     `json:"error"`
	}
	// PunchCheck is how the last attempt at a direct connection with a peer ended.
	PunchCheck struct {
		PeerID   string    `json:"peer_id"`
		At       time.Time `json:"at"`
		Outcome  string    `json:"outcome"` // "direct", "failed" or "under way"
		Punched  bool      `json:"punched"` // false: the peer could simply be dialled, or was to be
		Attempts int       `json:"attempts"`
		MS       float64   `json:"ms"`
		Error    string    `json:"error"`
	}
	// NeighbourCheck is a ring neighbour and the time to it.
	NeighbourCheck struct {
		PeerID      string   `json:"peer_id"`
		Key         uint16   `json:"key"`
		RingAddress string   `json:"ring_address"`
		Role        string   `json:"role"` // "successor", "predecessor", "finger", or "remembered"
		Path        string   `json:"path"` // "direct", "relayed", or empty when there is no connection
		Via         string   `json:"via"`
		Transport   string   `json:"transport"`
		MS          *float64 `json:"ms"` // there and back; null when there is no answer
		// ClockSeconds is by how much its clock is ahead of most others', or behind when it is below 0. 0: five seconds at
		// most; null when it has not told its time.
		ClockSeconds *float64 `json:"clock_seconds"`
	}
	// ClockCheck compares this machine's clock with those of neighbours: by the times that they tell with their
	// answers, and of earlier builds, which tell none, by what they sign. There only that one is ahead shows.
	ClockCheck struct {
		Compared int     `json:"compared"`      // neighbours
		Ahead    int     `json:"ahead"`         // of them, more than five seconds ahead of this machine
		Seconds  float64 `json:"ahead_seconds"` // by so much at least
		// Off is by how much this machine's clock is ahead of most neighbours', or behind when it is below 0. 0: five seconds at most.
		Off float64 `json:"off_seconds"`
	}
	// Problem is something that is wrong, or worth knowing, in words for people.
	Problem struct {
		Code     string `json:"code"`
		Severity string `json:"severity"` // "fault" or "note"
		What     string `json:"what"`
		Why      string `json:"why"`
		Do       string `json:"do"`
	}
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

// RoleRemembered is the role of members that a node which doesn't run remembers.
const RoleRemembered = "remembered"

// Reached reports whether any other peer could be reached.
func (c Netcheck) Reached() bool {
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
func (c Netcheck) Faults() int {
	n := 0
	for _, p := range c.Problems {
		if p.Severity == SeverityFault {
			n++
		}
	}
	return n
}
