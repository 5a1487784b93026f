package replica

import "testing"

// A reading of every kind with one liar: what the two honest ones make of it.
func TestJudgeAReading(t *testing.T) {
	t.Parallel()
	has := func(clock uint64) Shown { return Shown{Answered: true, Version: Version{Clock: clock, Writer: "w"}} }
	deleted := func(clock uint64) Shown { s := has(clock); s.Deleted = true; return s }
	none, silent := Shown{Answered: true}, Shown{}
	others := func(s ...Shown) []Shown { return s }
	for _, c := range []struct {
		name    string
		reading Reading
		want    Finding
		from    int
	}{
		{"all agree", Reading{Owner: has(2), Witness: has(2), Voted: true, Others: others(has(2))}, OwnerRight, -1},
		{"the owner has nothing, the witness has a version", Reading{Owner: none, Witness: has(2), Voted: true, Others: others(has(2))}, AskOwner, 0},
		{"the same, asked again", Reading{Owner: none, AskedAgain: true, Witness: has(2), Voted: true, Others: others(has(2))}, HolderRight, 0},
		{"the owner has nothing, nor has a new witness", Reading{Owner: none, AskedAgain: true, Witness: none, Voted: true, Others: others(has(2))}, HolderRight, 1},
		{"the owner has an old version", Reading{Owner: has(1), AskedAgain: true, Witness: has(2), Voted: true, Others: others(has(2))}, HolderRight, 0},
		{"an old version, and no vote", Reading{Owner: has(1), AskedAgain: true, Others: others(has(2))}, HolderRight, 1},
		{"the owner has what was deleted", Reading{Owner: has(1), AskedAgain: true, Witness: deleted(2), Voted: true, Others: others(deleted(2))}, HolderRight, 0},
		{"the owner has an old tombstone", Reading{Owner: deleted(1), AskedAgain: true, Witness: has(2), Voted: true, Others: others(has(2))}, HolderRight, 0},
		{"the witness has nothing", Reading{Owner: has(2), AskedAgain: true, Witness: none, Voted: true, Others: others(has(2))}, OwnerRight, -1},
		{"the witness has nothing, the other is silent", Reading{Owner: has(2), Witness: none, Voted: true, Others: others(silent)}, Unsettled, -1},
		{"the witness has nothing, there is no other", Reading{Owner: has(2), Witness: none, Voted: true}, OwnerRight, -1},
		{"the witness has an old version", Reading{Owner: has(2), Witness: has(1), Voted: true, Others: others(has(2))}, OwnerRight, -1},
		{"the witness brings back what was deleted", Reading{Owner: deleted(2), AskedAgain: true, Witness: has(1), Voted: true, Others: others(deleted(2))}, Absent, -1},
		{"the witness doesn't vote", Reading{Owner: has(2), Others: others(has(2))}, OwnerRight, -1},
		{"no vote, and no other has it", Reading{Owner: has(2), Others: others(none)}, Unsettled, -1},
		{"no vote, and the other is silent", Reading{Owner: has(2), Witness: has(2), Others: others(silent)}, Unsettled, -1},
		{"nobody has it", Reading{Owner: none, Witness: none, Voted: true, Others: others(none)}, Absent, -1},
		{"nobody has it in a ring of two", Reading{Owner: none, Witness: none, Voted: true}, Absent, -1},
		{"it is deleted", Reading{Owner: none, Witness: deleted(2), Voted: true, Others: others(deleted(2))}, Absent, -1},
		{"nobody has it, and no vote", Reading{Owner: none, Witness: none, Others: others(none)}, Unsettled, -1},
		{"nobody has it, and the witness is silent", Reading{Owner: none, Voted: true, Others: others(none)}, Unsettled, -1},
		{"nobody has it, and the other is silent", Reading{Owner: none, Witness: none, Voted: true, Others: others(silent)}, Unsettled, -1},
		{"nobody has it, and the owner shows no valid record", Reading{Owner: silent, Witness: none, Voted: true, Others: others(none)}, Unsettled, -1},
		{"the owner shows no valid record", Reading{Owner: silent, AskedAgain: true, Witness: has(2), Voted: true, Others: others(has(2))}, HolderRight, 0},
		{"a silent holder has nothing", Reading{Owner: has(2), Witness: Shown{Version: Version{Clock: 3}}, Voted: true, Others: others(has(2))}, OwnerRight, -1},
	} {
		if got, from := c.reading.Judge(); got != c.want || from != c.from {
			t.Errorf("%s: %v by %d, want %v by %d", c.name, got, from, c.want, c.from)
		}
	}
}

// With one liar among owner, witness, and another holder, whatever it shows, an honest pair leads a
// reader to the version that both have, or to none at all: never to an older one, and never to "no
// file".
func TestOneLiarOfThree(t *testing.T) {
	t.Parallel()
	version := func(clock uint64, dead bool) Shown {
		return Shown{Answered: true, Version: Version{Clock: clock, Writer: "w"}, Deleted: dead}
	}
	lies := []Shown{{}, {Answered: true}, version(1, false), version(1, true), version(2, false), version(3, false), version(3, true)}
	truth := version(3, false)
	for liar := range 3 {
		for _, lie := range lies {
			for _, voted := range []bool{true, false} {
				for _, again := range []bool{true, false} {
					if lie.Deleted && lie.Version.Clock == 3 {
						continue // version 3 is no tombstone
					}
					all := [3]Shown{truth, truth, truth}
					all[liar] = lie
					// Without the owner's answer there is no reading, and an honest witness votes.
					if liar == 0 && !lie.Answered || liar != 1 && !voted {
						continue
					}
					r := Reading{Owner: all[0], AskedAgain: again, Witness: all[1], Voted: voted, Others: []Shown{all[2]}}
					finding, from := r.Judge()
					answer := r.Owner
					if from >= 0 {
						answer = r.holders()[from]
					}
					switch finding {
					case AskOwner, Unsettled:
					case Absent:
						t.Errorf("%+v: no file", r)
					case OwnerRight, HolderRight:
						if answer.Version != truth.Version {
							t.Errorf("%+v: %v is found", r, answer.Version)
						}
					}
				}
			}
		}
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	id := GrantID{Nonce: 1, Counter: 2}
	older, newer := Version{Clock: 1, Writer: "w"}.Stamp(), Version{Clock: 2, Writer: "w"}.Stamp()
	for _, c := range []struct {
		vote  Vote
		stamp string
		want  bool
	}{
		{Vote{Grant: id, Stamp: older}, older, true},
		{Vote{Grant: id, Stamp: newer}, older, false}, // the owner may hide the newer one
		{Vote{Grant: id, Stamp: older}, newer, false},
		{Vote{Grant: GrantID{Nonce: 1, Counter: 3}, Stamp: older}, older, false},
	} {
		if got := c.vote.Agrees(id, c.stamp); got != c.want {
			t.Errorf("%v about %q: %v", c.vote, c.stamp, got)
		}
	}
}
