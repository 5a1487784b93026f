//go:build !windows

package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// A file that the node had no descriptor for is told apart from one that never came.
func TestAFileThatCannotBeTakenNamesTheLimit(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, newFake())
	for _, lost := range []bool{true, false} {
		ctx := context.WithValue(t.Context(), connKey{}, &passing{lost: lost})
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/store/x?size=1", nil).WithContext(ctx))
		want, text := fault.NoSpace, fault.MoreFiles
		if !lost {
			want, text = fault.Usage, "no open file came"
		}
		if w.Code != want.HTTP() || !strings.Contains(w.Body.String(), text) {
			t.Errorf("lost %v: %d %s", lost, w.Code, w.Body)
		}
	}
}
