package node

import (
	"encoding/json"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
	"github.com/p2pchord/p2pchord/replica"
)

// What a version names that replaces another is what the protocol's vectors say.
func TestAncestorVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../protocol/testdata/ancestors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name      string            `json:"name"`
		Replaced  json.RawMessage   `json:"replaced"`
		Ancestors []json.RawMessage `json:"ancestors"`
		Floor     uint64            `json:"floor,string"`
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 5 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		replaced := new(pb.RecordBody)
		if err := protojson.Unmarshal(v.Replaced, replaced); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		next := replica.Replace(protocol.Lineage(replaced), replica.Version{})
		if next.Floor != v.Floor || len(next.Ancestors) != len(v.Ancestors) {
			t.Errorf("%s: %d ancestors and floor %d, want %d and %d", v.Name, len(next.Ancestors), next.Floor, len(v.Ancestors), v.Floor)
			continue
		}
		for i, a := range next.Ancestors {
			want := new(pb.Version)
			if err := protojson.Unmarshal(v.Ancestors[i], want); err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
			if a.Clock != want.GetClock() || a.Writer != string(want.GetWriter()) {
				t.Errorf("%s: ancestor %d is %v, want %v", v.Name, i, a, want)
			}
		}
	}
}
