package api

import (
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

var (
	errPlace = fault.New(fault.Usage, "a name has 1 to %d bytes and no NUL", MaxName)
	errStamp = fault.New(fault.Usage, "stamps have 1 to %d bytes and differ at one place", MaxStamp)
)

// CheckPlace returns an error if there can be no entries at a place.
func CheckPlace(at Place) error {
	if at.Name == "" || len(at.Name) > MaxName || strings.IndexByte(at.Name, 0) >= 0 {
		return errPlace
	}
	return nil
}

// Arrange returns a copy of es for the place at, in order of their stamps, or an error that
// describes what is wrong with them.
func Arrange(at Place, es []Entry) ([]Entry, error) {
	es = slices.Clone(es)
	for i := range es {
		es[i].Place = at
		if es[i].Stamp == "" || len(es[i].Stamp) > MaxStamp {
			return nil, errStamp
		}
		if len(es[i].Value) > MaxValue {
			return nil, ErrTooLarge
		}
	}
	slices.SortFunc(es, func(a, b Entry) int { return strings.Compare(a.Stamp, b.Stamp) })
	for i := 1; i < len(es); i++ {
		if es[i-1].Stamp == es[i].Stamp {
			return nil, errStamp
		}
	}
	return es, nil
}
