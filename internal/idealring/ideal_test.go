package idealring

import (
	"slices"
	"testing"

	"github.com/p2pchord/p2pchord/ring"
)

func TestHolders(t *testing.T) {
	t.Parallel()
	at := []ring.Position{{Key: 10, ID: "a"}, {Key: 20, ID: "b"}, {Key: 30, ID: "c"}, {Key: 40, ID: "d"}}
	for _, c := range []struct {
		key    ring.Key
		copies int
		want   []int
	}{
		{15, 1, []int{1}}, {15, 3, []int{1, 0, 2}}, {5, 3, []int{0, 3, 1}}, {41, 2, []int{0, 3}}, {35, 9, []int{3, 2, 0, 1}},
	} {
		var want []ring.Position
		for _, i := range c.want {
			want = append(want, at[i])
		}
		if got := Holders(at, c.key, c.copies); !slices.Equal(got, want) {
			t.Errorf("the %d holders of %v are %v, want %v", c.copies, c.key, got, want)
		}
	}
}
