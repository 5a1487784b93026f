package localfile

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Where case doesn't count, of names that differ by it one is fetched, and each other one is told;
// what the command has written it never overwrites, and no two have one temporary file.
func TestNamesThatAreOneToTheDisk(t *testing.T) {
	t.Parallel()
	names := []string{"A/x", "a/X", "a/x", "A/X", "b", "B"}
	texts := []string{"first", "second", "the third", "the fourth", "and the fifth", "x"}
	for how := range 8 {
		force, atOnce, identity := how&1 > 0, how&2 > 0, how&4 > 0
		t.Run(fmt.Sprint(force, atOnce, identity), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			tree := foldingTree(t, folder, Options{Force: force}, identity)
			errs := make([]error, len(names))
			get := func(i int) {
				target, err := tree.File(want(names[i], texts[i]))
				errs[i] = fetch(target, err, texts[i])
			}
			var all sync.WaitGroup
			for i := range names {
				if atOnce {
					all.Go(func() { get(i) })
				} else {
					get(i)
				}
			}
			all.Wait()
			had := map[string]string{}
			for i, err := range errs {
				if err == nil {
					had[fold(names[i])] += texts[i]
				} else if !errors.Is(err, fault.NotAllowed) {
					t.Errorf("%s: %v", names[i], err)
				}
			}
			for _, at := range []string{"a/x", "b"} {
				if got := read(t, folder+"/"+at); got != had[at] {
					t.Errorf("%s has %q, and what was said to be had is %q", at, got, had[at])
				}
			}
			noParts(t, folder)
		})
	}
}

// An equal file that is there already is one of the command's: another name that is the same to the
// disk doesn't replace it.
func TestAnEqualFileIsNotReplaced(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder+"/a", "text of A")
	tree := foldingTree(t, folder, Options{Force: true}, true)
	if _, err := tree.File(want("A", "text of A")); !errors.Is(err, ErrEqual) {
		t.Fatal(err)
	}
	if _, err := tree.File(want("a", "text of a")); !errors.Is(err, fault.NotAllowed) {
		t.Errorf("%v", err)
	}
	if got := read(t, folder+"/a"); got != "text of A" {
		t.Errorf("%q", got)
	}
}
