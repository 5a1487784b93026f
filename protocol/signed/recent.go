package signed

import (
	"encoding/binary"
	"sync"

	"github.com/p2pchord/p2pchord/internal/blake3sum"
	"github.com/p2pchord/p2pchord/network/statement"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// verifiedPeers remembers the peers whose signatures held. What it answers doesn't
// depend on what it remembers, only how long that takes.
var verifiedPeers = peerCache{generation: 1024}

// verifiedRecords remembers the records whose signatures held, in the same way: checking one
// again costs a hash of its bytes.
var verifiedRecords = recent[struct{}]{generation: 8192}

type peerCache = recent[PeerInfo]

// recent keeps the last generation to 2*generation entries that were put or asked for.
type recent[V any] struct {
	generation int

	mu           sync.Mutex
	young, older map[[32]byte]V
}

func (c *recent[V]) get(key [32]byte) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if info, ok := c.young[key]; ok {
		return info, true
	}
	info, ok := c.older[key]
	if ok {
		c.add(key, info)
	}
	return info, ok
}

func (c *recent[V]) put(key [32]byte, info V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, info)
}

func (c *recent[V]) add(key [32]byte, info V) {
	if c.young == nil || len(c.young) >= c.generation {
		c.young, c.older = make(map[[32]byte]V), c.young
	}
	c.young[key] = info
}

// fingerprint hashes every field that VerifyPeer looks at, each with its length.
func fingerprint(p *pb.Peer) [32]byte {
	return fingerprintOf(p, p.GetId(), p.GetRingSignature(), p.GetStatementSignature(), p.GetRecord())
}

// privateFingerprint hashes every field that verifyPrivatePeer looks at, and its domain, so that it
// is not taken for what an open ring has verified.
func privateFingerprint(network statement.NetworkID, p *pb.Peer) [32]byte {
	return fingerprintOf(p, []byte(PrivatePeerDomain), network[:], p.GetId(), p.GetNetwork(), p.GetNetworkSignature(), p.GetRecord())
}

// fingerprintOf hashes fields of p, each with its length, and its ring address.
func fingerprintOf(p *pb.Peer, fields ...[]byte) [32]byte {
	b := make([]byte, 0, 1024)
	for _, field := range fields {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	b = binary.AppendUvarint(b, uint64(p.GetRingHostLength()))
	b = append(b, p.GetRingAddress()...)
	return blake3sum.Sum(b)
}

// recordFingerprint hashes every field that a record's signature depends on, each with its length.
func recordFingerprint(r *pb.Record) [32]byte {
	b := make([]byte, 0, 1024)
	for _, field := range [][]byte{r.GetPublicKey(), r.GetSignature(), r.GetBody()} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	return blake3sum.Sum(b)
}
