package prompt

import "testing"

func TestCompletionTakesWholeRunes(t *testing.T) {
	t.Parallel()
	if got := commonPrefix([]string{"日本a", "日本b", "日木"}); got != "日" {
		t.Errorf("%q", got)
	}
	if got := commonPrefix([]string{"same"}); got != "same" {
		t.Errorf("%q", got)
	}
	for before, want := range map[string]string{`get a\ b`: `a\ b`, `get 'a b'`: `'a b'`, `get x`: `x`, `x`: `x`} {
		words, err := SplitWords(before)
		if err != nil {
			t.Fatal(err)
		}
		if got := escapedTail(before, words[len(words)-1]); got != want {
			t.Errorf("%s: %q, want %q", before, got, want)
		}
	}
}
