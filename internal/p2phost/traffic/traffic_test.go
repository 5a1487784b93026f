package traffic

import "testing"

// Bytes count for the direct connection while there is a relayed one to the same peer.
func TestTrafficChoosesDirect(t *testing.T) {
	t.Parallel()
	p := &peerTraffic{}
	relayed, direct := &connTraffic{id: "r", relayed: true}, &connTraffic{id: "d"}
	for _, order := range [][]*connTraffic{{relayed, direct}, {direct, relayed}} {
		p.conns = order
		if p.choose(); p.current.Load() != direct {
			t.Errorf("of %v the relayed one is chosen", order)
		}
	}
	newer := &connTraffic{id: "e"}
	p.conns = []*connTraffic{direct, relayed, newer}
	if p.choose(); p.current.Load() != newer {
		t.Error("the older direct connection is chosen")
	}
}
