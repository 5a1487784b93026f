package protocol

import (
	"encoding/binary"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/p2pchord/p2pchord/protocol/pb"
)

// verified remembers the peers whose signatures held. What it answers doesn't
// depend on what it remembers, only how long that takes.
var verified = peerCache{generation: 4096}

// peerCache keeps the last generation to 2*generation entries that were put or asked for.
type peerCache struct {
	generation int

	mu           sync.Mutex
	young, older map[[32]byte]PeerInfo
}

func (c *peerCache) get(key [32]byte) (PeerInfo, bool) {
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

func (c *peerCache) put(key [32]byte, info PeerInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, info)
}

func (c *peerCache) add(key [32]byte, info PeerInfo) {
	if c.young == nil || len(c.young) >= c.generation {
		c.young, c.older = make(map[[32]byte]PeerInfo), c.young
	}
	c.young[key] = info
}

// fingerprint hashes every field that verifyPeer looks at, each with its length.
func fingerprint(p *pb.Peer) [32]byte {
	b := make([]byte, 0, 1024)
	for _, field := range [][]byte{p.GetId(), p.GetRingSignature(), p.GetRecord()} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	b = binary.AppendUvarint(b, uint64(p.GetRingHostLength()))
	b = append(b, p.GetRingAddress()...)
	return blake3.Sum256(b)
}
