package schema

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/p2pchord/p2pchord/store/internal/api"
)

// Get returns a copy of the value at key.
func Get(r pebble.Reader, key []byte) (value []byte, ok bool, err error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value = bytes.Clone(v)
	return value, true, c.Close()
}

// Each calls fn with the rows from lower to before upper until it returns false. fn keeps neither.
func Each(r pebble.Reader, lower, upper []byte, fn func(k, v []byte) (bool, error)) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if more, err := fn(it.Key(), v); err != nil || !more {
			return err
		}
	}
	return nil // the iterator's own error comes with its Close
}

// EntriesAt returns the entries at a place, by stamp.
func EntriesAt(r pebble.Reader, at api.Place) (es []api.Entry, err error) {
	k := PlaceKey(at)
	err = Each(r, k, After(k), func(k, v []byte) (bool, error) {
		e, err := DecodeEntry(k, v)
		es = append(es, e)
		return err == nil, err
	})
	for i := range es {
		if err == nil {
			err = Complete(r, &es[i])
		}
	}
	return es, err
}

// Complete sets an entry's Complete.
func Complete(r pebble.Reader, e *api.Entry) error {
	e.Complete = true
	if e.Block == (api.Hash{}) {
		return nil
	}
	_, missing, err := Get(r, HashKey(TableMissing, e.Block))
	e.Complete = !missing
	return err
}

// BlockOf returns the row of a block whose bytes are here.
func BlockOf(r pebble.Reader, h api.Hash) (b Block, here bool, err error) {
	v, here, err := Get(r, HashKey(TableBlock, h))
	if err == nil && here {
		b, err = DecodeBlock(v)
	}
	return b, here, err
}

// EntriesNaming calls fn with the entries that name a missing block until it returns false.
func EntriesNaming(r pebble.Reader, h api.Hash, fn func(api.Entry) bool) error {
	prefix := HashKey(TableNamed, h)
	return Each(r, prefix, After(prefix), func(k, _ []byte) (bool, error) {
		key := append([]byte{TableEntry}, k[len(prefix):]...)
		v, ok, err := Get(r, key)
		if err != nil || !ok {
			return true, err
		}
		e, err := DecodeEntry(key, v)
		if err != nil {
			return false, err
		}
		return fn(e), nil
	})
}

// After returns the least key greater than all that begin with k.
func After(k []byte) []byte {
	end := append([]byte(nil), k...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
