package shrink

import (
	"slices"
	"testing"
)

func TestList(t *testing.T) {
	t.Parallel()
	list := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}
	tries := 0
	fails := func(l []int) bool {
		tries++
		return slices.Contains(l, 3) && slices.Contains(l, 8)
	}
	if got := List(list, 100, fails); !slices.Equal(got, []int{3, 8}) {
		t.Errorf("of %v remain %v", list, got)
	}
	tries = 0
	if got := List(list, 1, fails); tries != 1 || len(got) > len(list) {
		t.Errorf("after %d tries remain %v", tries, got)
	}
	if got := List(list, 100, func([]int) bool { return true }); len(got) > 0 {
		t.Errorf("remain %v", got)
	}
}
