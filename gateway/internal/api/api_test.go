package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/steady"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{fault.New(fault.Busy, "x"), fault.TryAgain},
		{fault.New(fault.NotOwner, "x"), fault.TryAgain},
		{fault.New(fault.NotFound, "x"), fault.NotFound},
		{context.DeadlineExceeded, fault.TryAgain},
		{context.Canceled, fault.Interrupted},
		{errors.New("x"), fault.Failed},
	} {
		p := ProblemOf(c.err)
		if p.Code != c.want || !errors.Is(p.Err(), c.want) {
			t.Errorf("%v: %v", c.err, p)
		}
	}
	changed := ProblemOf(fault.New(fault.Failed, "reading %q: %w", "x", steady.ErrChanged))
	if err := changed.Err(); changed.Reason != ReasonFileChanged || !errors.Is(err, steady.ErrChanged) || !errors.Is(err, fault.Failed) {
		t.Errorf("%+v becomes %v", changed, err)
	}
	if got := OneLine("a\nb\x1b[31m\u009bc "); got != `a b\x1b[31m\x9bc` {
		t.Errorf("OneLine: %q", got)
	}
}

func TestWhatTakesLongSaysThatItGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for range 2 {
		if err := json.NewEncoder(&out).Encode(Line{}); err != nil {
			t.Fatal(err)
		}
	}
	out.WriteString(`{"item":1}` + "\n" + `{"end":true}` + "\n")
	items := 0
	if _, err := ReadStream(&out, func(Line) error { items++; return nil }); err != nil || items != 1 {
		t.Errorf("%d items, %v", items, err)
	}
}
