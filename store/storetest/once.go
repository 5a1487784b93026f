package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/store"
)

// testUpdateOnce counts how often the function of an Update runs, which may set variables of its
// caller: once, and before Update returns.
func testUpdateOnce(t *testing.T, open Open) {
	s := open(t, store.Options{})
	refused := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			staged := Stage(t, s, Bytes(uint64(i%5), 1000)) //nolint:gosec // small
			defer staged.Discard()
			ran := 0
			_, err := s.Update(t.Context(), store.Place{Name: "once", Index: uint32(i % 7)}, func(es []store.Entry) ([]store.Entry, error) { //nolint:gosec // small
				if ran++; i%10 == 9 {
					return nil, refused
				}
				return append(es, store.Entry{Stamp: string(rune('a' + i)), Block: staged.Hash(), Size: staged.Size()}), nil
			}, staged)
			if ran != 1 || (err != nil) != (i%10 == 9) {
				t.Errorf("the function of update %d ran %d times: %v", i, ran, err)
			}
		})
	}
	wg.Wait()
}
