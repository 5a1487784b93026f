package invitation

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/p2pchord/p2pchord/network/statement"
)

var update = flag.Bool("update", false, "write protocol/testdata/invitations.json anew: a change of the encoding")

const vectorsFile = "../../protocol/testdata/invitations.json"

// vector is an invitation for people who read codes in another language; bytes are in hex.
type vector struct {
	Secret    string   `json:"secret"`
	Network   string   `json:"network"`
	Addresses []string `json:"addresses"`
	Short     string   `json:"short"`
	Long      string   `json:"long"`
	Seed      string   `json:"key_ed25519_seed"`
	Public    string   `json:"key"`
	Hint      string   `json:"hint"`
	Check     string   `json:"check"`
}

// The codes and keys of some secrets are those in testdata.
func TestVectors(t *testing.T) {
	t.Parallel()
	var all []vector
	for n := range byte(4) {
		c := Code{Secret: secretOf(n), Network: statement.NetworkID{n, 1}}
		v := vector{Addresses: []string{}}
		for i := range n {
			c.Addresses = append(c.Addresses, []byte{4, 192, 0, 2, i, 6, 0x12, 0x5c})
			v.Addresses = append(v.Addresses, hex.EncodeToString(c.Addresses[i]))
		}
		hint := HintOf(c.Secret.Public())
		v.Secret, v.Network = hex.EncodeToString(c.Secret[:]), hex.EncodeToString(c.Network[:])
		v.Short, v.Long = c.Secret.Short(), c.Long()
		v.Seed, v.Public = hex.EncodeToString(c.Secret.Key().Seed()), c.Secret.Public().String()
		v.Hint, v.Check = hex.EncodeToString(hint[:]), hex.EncodeToString(c.Secret.Check(c.Network))
		all = append(all, v)
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(vectorsFile); err != nil || string(kept) != string(raw) {
		t.Errorf("%s differs (%v): go test ./network/invitation -update writes it anew", vectorsFile, err)
	}
}
