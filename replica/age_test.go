package replica

import "testing"

const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
)

func at(millis int64) Version { return Version{Clock: NextClock(millis, 0, 0), Writer: "a"} }

func TestOrphan(t *testing.T) {
	t.Parallel()
	const now = 1000 * hour
	block := func(millis int64) Block { return Block{Clock: at(millis).Clock} }
	first := Record{Version: at(now - 10*hour)}
	second := Replace(first, at(now-hour))
	fresh := Replace(first, at(now-minute))
	for _, x := range []struct {
		name    string
		block   Block
		current []Reference
		want    bool
	}{
		{"used by the winner", block(now - 100*hour), []Reference{{Record: second, Uses: true}}, false},
		{"used by a sibling", block(now - 100*hour), []Reference{{Record: second}, {Record: first, Uses: true}}, false},
		{"of the version replaced", block(now - 11*hour), []Reference{{Record: second}}, true},
		{"as old as the version replaced", Block{first.Version.Clock}, []Reference{{Record: second}}, true},
		{"of the version just replaced", block(now - 11*hour), []Reference{{Record: fresh}}, false},
		{"written since, for a put that goes on", block(now - 2*hour), []Reference{{Record: second}}, false},
		{"written since, a day ago", block(now - 25*hour), []Reference{{Record: second}}, true},
		{"no version yet", block(now - 23*hour), nil, false},
		{"no version after a day", block(now - 25*hour), nil, true},
		{"first version, the block is another put's", block(now - 11*hour), []Reference{{Record: first}}, false},
		{"of a deleted file", block(now - 11*hour), []Reference{{Record: second, Deleted: true}}, true},
		{"of the future", block(now + hour), []Reference{{Record: second}}, false},
		{"covered by the floor", block(now - 20*hour), []Reference{{Record: Record{Version: at(now - hour), Floor: at(now - 15*hour).Clock}}}, true},
	} {
		if got := Orphan(x.block, x.current, now); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	const now = 10_000 * hour
	dead := Reference{Record: Record{Version: at(now - 1000*hour)}, Deleted: true}
	live := Reference{Record: dead.Record}
	const grace = DefaultGrace
	full := now - int64(grace)
	for _, x := range []struct {
		name    string
		current []Reference
		full    int64
		want    bool
	}{
		{"at all holders for the grace", []Reference{dead}, full, true},
		{"not long enough", []Reference{dead}, full + 1, false},
		{"not at all holders", []Reference{dead}, 0, false},
		{"no tombstone", []Reference{live}, full, false},
		{"a sibling stands", []Reference{dead, live}, full, false},
		{"nothing", nil, full, false},
	} {
		if got := grace.Collectable(x.current, x.full, now); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	if old := at(full - hour); grace.Quarantined(old, full, now) || !grace.Quarantined(old, full-1, now) {
		t.Error("a copy is quarantined when nobody confirmed it for the grace period, and no sooner")
	}
	if grace.Quarantined(at(full+hour), 0, now) {
		t.Error("a copy is quarantined that was signed within the grace period")
	}
	if grace.Expired(at(now-hour), now) || !grace.Expired(at(full), now) {
		t.Error("a holder removes a tombstone that no owner can have seen everywhere for the grace period")
	}
	if Believed([]bool{false, true}) || !Believed([]bool{false, false}) || !Believed(nil) {
		t.Error("quarantined copies count when no holder was there all the while, and only then")
	}
	if grace.TooOld(at(now), now) || !grace.TooOld(at(full), now) {
		t.Error("a record from before the grace period is to be signed anew")
	}
	// Whatever is not too old was signed after every tombstone that may have been collected was
	// full.
	for v := int64(0); v < 2*MaxAheadMillis; v += minute {
		if signed := full + v; !grace.TooOld(at(signed), now) && signed < full+MaxAheadMillis {
			t.Errorf("a record signed %d ms after the tombstone was full counts as new", v)
		}
	}
}
