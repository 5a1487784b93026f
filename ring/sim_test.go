package ring

import (
	"fmt"
	"testing"
)

func TestRingsSettleFast(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 5, 10, 30} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(20) {
				n := newNetwork(seed)
				for _, p := range n.invent(size) {
					n.join(n.add(p))
				}
				t.Log(seed, n.settle(t, 60_000))
			}
		})
	}
}
