package textfmt

import "testing"

func TestSizes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"10GiB": 10 << 30, "1.5M": 1_500_000, "4096": 4096, "1.5 MiB": 3 << 19, "100kB": 100_000, "0": 0, "2T": 2e12,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "much", "-1", "1 parsec", "9999999E"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("%s: %d, want an error", s, got)
		}
	}
	if Size(0) != "0 B" || Size(1536) != "1.5 KiB" || Size(-1) != "0 B" {
		t.Errorf("%s, %s, %s", Size(0), Size(1536), Size(-1))
	}
	if got := Cut("日本語", 2); got != "日本" {
		t.Errorf("%q", got)
	}
}
