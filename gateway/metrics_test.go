package gateway

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/gateway/internal/peertest"
	"github.com/p2pchord/p2pchord/gateway/metrics"
)

func TestTheLocalAPIHasMetrics(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	path := filepath.Join(t.TempDir(), SocketName)
	s, err := Serve(path, m.Of(peertest.New()), m.Handler(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	resp, err := overSocket(path).Get("http://p2pchord/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "\np2pchord_active 1\n") {
		t.Errorf("no metrics of the peer: %s", b)
	}
}
