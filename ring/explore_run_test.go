package ring

import (
	"testing"
	"time"
)

func (e *explorer) threeRings() []global {
	var out []global
	n := len(e.nodes)
	for a := 0; a < n; a++ {
		for b := a + 1; b < n; b++ {
			for c := b + 1; c < n; c++ {
				out = append(out, e.start(a, b, c))
			}
		}
	}
	return out
}

func TestX(t *testing.T) {
	for _, n := range []int{3,4,5} {
	for _, probe := range []bool{false,true} {
	for _, rejoin := range []bool{false,true} {
	for _, async := range []bool{false,true} {
		e := newExplorer(n, 2)
		e.probe = probe
		e.rejoin=rejoin
		e.async=async
		e.limit=14000000
		start := time.Now()
		err := e.explore(e.threeRings()...)
		t.Log(n, "probe",probe, "rejoin",rejoin,"async",async, len(e.seen), "states", e.edges, len(e.states), len(e.memo), time.Since(start), err, e.stopped)
		if err!=nil||e.stopped {continue}
		start = time.Now()
		w,err:=e.converge()
		t.Log("converge",w,err,time.Since(start))
	}}}}
}
