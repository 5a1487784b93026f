package textfmt

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"timeout", "listen", "announce"}
	for key, want := range map[string]string{"tiemout": "timeout", "lisen": "listen", "anounce": "announce", "xyzzy": "", "": ""} {
		got := DidYouMean(key, names)
		if want == "" && got != "" || want != "" && !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance %d", d)
	}
}
