package netcheck

import (
	"bufio"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autonat"
	autonatpb "github.com/libp2p/go-libp2p/p2p/host/autonat/pb"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-varint"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/protocol"
)

func testHost(t *testing.T, profile p2phost.Profile) host.Host {
	t.Helper()
	key, err := p2phost.LoadOrCreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2phost.New(p2phost.Config{Profile: profile, Key: key, Listen: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func connect(t *testing.T, a, b host.Host) {
	t.Helper()
	if err := a.Connect(t.Context(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		t.Fatal(err)
	}
}

// What a tester answers is reported apart: it could, it couldn't, it didn't try.
func TestDialBack(t *testing.T) {
	t.Parallel()
	asked, other := ma.StringCast("/ip4/1.2.3.4/tcp/4701"), ma.StringCast("/ip4/1.2.3.4/tcp/9")
	for name, c := range map[string]struct {
		status autonatpb.Message_ResponseStatus
		addr   ma.Multiaddr
		want   error
	}{
		"could":         {autonatpb.Message_OK, asked, nil},
		"could another": {autonatpb.Message_OK, other, nil},
		"could none":    {autonatpb.Message_OK, nil, errNotTested},
		"couldn't":      {autonatpb.Message_E_DIAL_ERROR, nil, fault.Unreachable},
		"didn't try":    {autonatpb.Message_E_DIAL_REFUSED, nil, errNotTested},
		"broke":         {autonatpb.Message_E_INTERNAL_ERROR, nil, errNotTested},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, tester := testHost(t, p2phost.Peer), testHost(t, p2phost.Peer)
			tester.SetStreamHandler(autonat.AutoNATProto, func(s network.Stream) {
				defer func() { _ = s.Close() }()
				in := bufio.NewReader(s)
				if n, err := varint.ReadUvarint(in); err != nil || n > maxExchange {
					return
				}
				answer := &autonatpb.Message{
					Type: autonatpb.Message_DIAL_RESPONSE.Enum(), DialResponse: &autonatpb.Message_DialResponse{Status: c.status.Enum()},
				}
				if c.addr != nil {
					answer.DialResponse.Addr = c.addr.Bytes()
				}
				frame, err := protocol.AppendFrame(nil, answer, maxExchange)
				if err == nil {
					_, err = s.Write(frame)
				}
				if err != nil {
					t.Error(err)
				}
			})
			connect(t, h, tester)
			// What a host speaks since a moment ago it may tell in a message of its own, after the
			// first.
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(10 * time.Second); !offers(h, tester.ID(), autonat.AutoNATProto) && time.Now().Before(deadline); {
				<-tick.C
			}
			if got := testers(h, nil); !slices.Equal(got, []peer.ID{tester.ID()}) {
				t.Errorf("testers %v", got)
			}
			got, err := dialBack(t.Context(), h, tester.ID(), asked)
			if !errors.Is(err, c.want) || err == nil && !got.Equal(c.addr) {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
	h := testHost(t, p2phost.Peer)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := dialBack(ctx, h, testHost(t, p2phost.Peer).ID(), asked); !errors.Is(err, errNotTested) {
		t.Errorf("of a tester that isn't connected: %v", err)
	}
}
