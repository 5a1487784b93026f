package manual

import "testing"

func TestRoff(t *testing.T) {
	t.Parallel()
	if got, want := Roff(".a\n'b\nc\\d --e"), "\\&.a\n\\&'b\nc\\ed \\-\\-e"; got != want {
		t.Errorf("%q", got)
	}
}
