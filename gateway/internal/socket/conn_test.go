//go:build !windows

package socket

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// A file that the node had no descriptor for is told apart from one that never came.
func TestAFileThatCannotBeTakenNamesTheLimit(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{true, false} {
		ctx := context.WithValue(t.Context(), connKey{}, &Conn{lost: lost})
		_, err := TakeFile(httptest.NewRequest(http.MethodPost, "/v1/store/x?size=1", nil).WithContext(ctx))
		want, text := fault.NoSpace, fault.MoreFiles
		if !lost {
			want, text = fault.Usage, "no open file came"
		}
		if p := api.ProblemOf(err); p.Code != want || !strings.Contains(p.Message, text) {
			t.Errorf("lost %v: %+v", lost, p)
		}
	}
}
