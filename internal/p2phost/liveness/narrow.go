package liveness

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"

	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// largePacket is the size in bytes from which a QUIC packet may be too large for a path that
	// carries QUIC's smallest.
	largePacket = 1200
	// smallPacket is the mean size, at most, of the packets that arrive where no large one does.
	smallPacket = 80
	// narrowLost is how many large packets have to be lost, and no large one to arrive, before the
	// path counts as too narrow.
	narrowLost = 3
	// narrowLooks is over how many looks at a connection that is counted.
	narrowLooks = 8
)

// sentCounts is what a QUIC connection has sent and lost so far.
type sentCounts struct{ bytes, packets, lostBytes, lostPackets int64 }

// quicCounts returns the counts of c; ok is false when c isn't QUIC.
func quicCounts(c network.Conn) (s sentCounts, ok bool) {
	var q *quic.Conn
	if peeraddr.IsRelay(c.RemoteMultiaddr()) || !c.As(&q) || q == nil {
		return s, false
	}
	st := q.ConnectionStats()
	return sentCounts{int64(st.BytesSent), int64(st.PacketsSent), int64(st.BytesLost), int64(st.PacketsLost)}, true //nolint:gosec // counts
}

// narrowed reports whether the path has become too narrow for the packets of a connection, by what
// it sent and lost between two looks: every large packet is lost and small ones arrive. quic-go
// finds a larger size for its packets, and never returns to a smaller one, so that such a
// connection carries pings for ever and no file. Its probes for a larger size are not in the counts
// of what is lost.
func narrowed(before, now sentCounts) bool {
	lost, lostBytes := now.lostPackets-before.lostPackets, now.lostBytes-before.lostBytes
	arrived, arrivedBytes := now.packets-before.packets-lost, now.bytes-before.bytes-lostBytes
	return lost >= narrowLost && lostBytes >= lost*largePacket && arrivedBytes < largePacket+arrived*smallPacket
}

// narrowWatch remembers the counts of the QUIC connections at the last looks.
type narrowWatch map[string][]sentCounts

// look takes in the counts of a connection, and reports whether its path has become too narrow.
func (w narrowWatch) look(c network.Conn) bool {
	now, ok := quicCounts(c)
	if !ok {
		return false
	}
	past := append(w[c.ID()], now)
	if len(past) > narrowLooks+1 {
		past = past[1:]
	}
	w[c.ID()] = past
	return narrowed(past[0], now)
}

// keep forgets all connections but those that are open.
func (w narrowWatch) keep(conns []network.Conn) {
	open := make(map[string]bool, len(conns))
	for _, c := range conns {
		open[c.ID()] = true
	}
	for id := range w {
		if !open[id] {
			delete(w, id)
		}
	}
}
