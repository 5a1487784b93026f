package protocol

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// The resource manager's own errors, each at a limit of one: the words name it.
func TestLimitsAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits rcmgr.PartialLimitConfig
		want   string
	}{
		"connections": {rcmgr.PartialLimitConfig{System: rcmgr.ResourceLimits{ConnsOutbound: 1}}, "limit of connections in all"},
		"files":       {rcmgr.PartialLimitConfig{System: rcmgr.ResourceLimits{FD: 1}}, "ulimit -n"},
		"set up":      {rcmgr.PartialLimitConfig{Transient: rcmgr.ResourceLimits{Conns: 1}}, "limit of connections that are being set up"},
	} {
		rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(c.limits.Build(rcmgr.DefaultLimits.AutoScale())), rcmgr.WithMetricsDisabled())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err = rm.OpenConnection(network.DirOutbound, true, multiaddr.StringCast("/ip4/127.0.0.1/tcp/1"))
		}
		code, words := explainDial(fmt.Errorf("failed to dial: %w", err), false)
		if err == nil || code != fault.TryAgain || !strings.Contains(words, c.want) {
			t.Errorf("%s: %v is told as %q, %s", name, err, words, code)
		}
		if err := rm.Close(); err != nil {
			t.Error(err)
		}
	}
}

// limitError is one as internal/p2phost makes them.
type limitError struct{ error }

func (limitError) Limit() string {
	return "this program is at its limit of 2 connections in all: raise --connections"
}

// What is known of a limit is said, here and where the other side has one.
func TestLimitsWithSettings(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"was not asked: this program is at its limit of 2 connections in all: raise --connections": limitError{errors.New("system: no")},
		"it may be at its limit":           errors.New("all dials failed * [/ip4/127.0.0.1/udp/1/quic-v1] CONNECTION_REFUSED (remote)"),
		"--connections-per-address there":  errors.New("failed to negotiate security protocol: read: connection reset by peer"),
		"does not answer at its addresses": errors.New("connection refused"),
	} {
		if _, got := explainDial(fmt.Errorf("failed to dial: %w", err), false); !strings.Contains(got, want) {
			t.Errorf("%v is told as %q, without %q", err, got, want)
		}
	}
}

func TestLimitWords(t *testing.T) {
	t.Parallel()
	limit := network.ErrResourceLimitExceeded
	for want, err := range map[string]error{
		"limit of streams with one peer": fmt.Errorf("peer:12D3KooWx: cannot reserve outbound stream: %w", limit),
		"--relay-connections-per-peer":   errors.New("error opening relay circuit: RESOURCE_LIMIT_EXCEEDED (201)"),
	} {
		if got := explainLimit(err); !strings.Contains(got, want) {
			t.Errorf("%v is told as %q, without %q", err, got, want)
		}
	}
	rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{Memory: 1},
	}.Build(rcmgr.DefaultLimits.AutoScale())), rcmgr.WithMetricsDisabled())
	if err != nil {
		t.Fatal(err)
	}
	err = rm.ViewSystem(func(s network.ResourceScope) error {
		span, err := s.BeginSpan()
		if err != nil {
			return err
		}
		defer span.Done()
		return span.ReserveMemory(1<<20, network.ReservationPriorityAlways)
	})
	if err == nil || !strings.Contains(explainLimit(err), "limit of memory for connections") {
		t.Errorf("%v is told as %q", err, explainLimit(err))
	}
	if err := rm.Close(); err != nil {
		t.Error(err)
	}
	if got := explainLimit(errors.New("connection refused")); got != "" {
		t.Errorf("no limit is told as %q", got)
	}
}
