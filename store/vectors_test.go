package store_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/p2pchord/p2pchord/store"
	"github.com/p2pchord/p2pchord/store/storetest"
)

// The sums of both stores are those of the protocol's vectors.
func TestSumVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../protocol/testdata/sums.json")
	storetest.Check(t, err)
	type at struct {
		At  uint16 `json:"at"`
		Sum string `json:"sum"`
	}
	var vectors []struct {
		Name  string `json:"name"`
		Items []struct {
			Name  string `json:"name"`
			Index uint32 `json:"index"`
			Stamp string `json:"stamp"`
			Key   uint16 `json:"key"`
		} `json:"items"`
		Buckets []at `json:"buckets"`
		Rows    []at `json:"rows"`
	}
	storetest.Check(t, json.Unmarshal(raw, &vectors))
	if len(vectors) < 3 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		disk, err := store.Open(t.TempDir(), store.Options{})
		storetest.Check(t, err)
		t.Cleanup(func() { _ = disk.Close() })
		for kind, s := range map[string]store.API{"disk": disk, "memory": store.NewMemory(0)} {
			for _, i := range v.Items {
				stamp, err := hex.DecodeString(i.Stamp)
				storetest.Check(t, err)
				place := store.Place{Key: i.Key, Name: i.Name, Index: i.Index}
				_, err = s.Update(t.Context(), place, func(have []store.Entry) ([]store.Entry, error) {
					return append(have, store.Entry{Place: place, Stamp: string(stamp), Counted: true}), nil
				})
				storetest.Check(t, err)
			}
			sum := func(s store.Sum) string { return hex.EncodeToString(s[:]) }
			for _, b := range v.Buckets {
				storetest.Equal(t, kind+", "+v.Name+": a bucket", sum(s.Buckets(uint8(b.At >> 8))[b.At&0xff]), b.Sum)
			}
			for _, r := range v.Rows {
				storetest.Equal(t, kind+", "+v.Name+": a row", sum(s.Rows()[r.At]), r.Sum)
			}
		}
	}
}
