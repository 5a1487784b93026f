package sim

import (
	"flag"
	"testing"
)

var explain = flag.String("sim.explain", "", "tell the story of a seed (-sim.from) of this profile")

func TestExplain(t *testing.T) {
	if *explain == "" {
		t.Skip("nothing to explain")
	}
	f := ProfileNamed(*explain)
	r := Explain(f, *from, f.schedule(*from))
	t.Logf("%s\n%v\n%v\n%s", r.Story, r, r.Err, r.Schedule)
}
