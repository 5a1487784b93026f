package protocol

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// TestWrongDateIsTold checks that a peer whose certificate is refused for its date is told as a
// matter of clocks.
func TestWrongDateIsTold(t *testing.T) {
	t.Parallel()
	date := errors.New("x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is before 2026-01-01T01:00:00Z")
	for _, err := range []error{
		fmt.Errorf("all dials failed\n  * [/ip4/192.0.2.1/tcp/1] failed to negotiate security protocol: certificate verification failed: %w", date),
		fmt.Errorf("all dials failed\n  * [/ip4/192.0.2.1/udp/1/quic-v1] CRYPTO_ERROR 0x12a (local): certificate verification failed: %w", date),
	} {
		got := failure(t.Context(), "peer", err, unsent)
		if fault.CodeOf(got) != fault.Unreachable || !strings.Contains(got.Error(), "clock") || strings.Contains(got.Error(), "address") {
			t.Errorf("%v is told as %v", err, got)
		}
	}
}
