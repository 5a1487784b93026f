package book

import (
	"testing"

	"github.com/p2pchord/p2pchord/ring"
)

// Nobody but the peer itself moves it on the ring, whatever of its signatures he puts together.
func TestStatementReplaces(t *testing.T) {
	t.Parallel()
	here, there := ring.Position{Key: 1, ID: "p"}, ring.Position{Key: 2, ID: "p"}
	for _, c := range []struct {
		name     string
		old, new statement
		want     bool
	}{
		{"hearsay, a newer record", statement{here, 1, false, false}, statement{here, 2, false, false}, true},
		{"hearsay, an older record", statement{here, 2, false, false}, statement{there, 1, false, false}, false},
		{"hearsay, the same record at another place", statement{here, 1, false, false}, statement{there, 1, false, false}, false},
		{"hearsay, bound", statement{here, 1, false, false}, statement{there, 1, true, false}, true},
		{"hearsay against its own word, a newer record", statement{here, 1, false, true}, statement{here, 2, false, false}, true},
		{"hearsay against its own word, elsewhere", statement{here, 1, false, true}, statement{there, 2, false, false}, false},
		{"bound against its own word, newer", statement{here, 1, true, true}, statement{there, 2, true, false}, true},
		{"bound against its own word, older", statement{here, 2, true, true}, statement{there, 1, true, false}, false},
		{"bound against its own unbound word, older", statement{here, 2, false, true}, statement{there, 1, true, false}, false},
		{"unbound against bound, newer", statement{here, 1, true, false}, statement{there, 2, false, false}, false},
		{"unbound against bound, newer, the same place", statement{here, 1, true, false}, statement{here, 2, false, false}, false},
		{"its own word against hearsay", statement{here, 2, true, false}, statement{there, 1, false, true}, true},
		{"its own word, moved, by a clock set back", statement{here, 2, true, true}, statement{there, 1, true, true}, true},
		{"its own word of before", statement{here, 2, true, true}, statement{here, 1, true, true}, false},
		{"its own word again", statement{here, 2, true, true}, statement{here, 2, true, true}, false},
	} {
		if got := c.new.replaces(c.old); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}
