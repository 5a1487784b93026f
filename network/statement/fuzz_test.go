package statement

import (
	"bytes"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// What is read is within its limits and has the same bytes again; what isn't has one line of error.
func FuzzParse(f *testing.F) {
	g := genesis(f)
	f.Add(g.Encode(true))
	for _, c := range []Content{grant(), &Revoke{Peer: grant().Peer, Why: "lost"}, NewKeys([VaultSize]byte{1}, 1, []byte("x")), &Policy{Serial: 1}} {
		s, err := New(seeded(1), g.After(), c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Encode(true))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Parse(raw)
		if err != nil {
			checkError(t, err)
			return
		}
		if s.Size() > MaxSize || s.Content() == nil || s.Issuer().IsZero() || s.Network().IsZero() || s.Seq() == 0 {
			t.Errorf("%+v", s)
		}
		again, err := Parse(s.Encode(true))
		if err != nil || again.ID() != s.ID() || !bytes.Equal(again.Encode(true), s.Encode(true)) {
			t.Errorf("%v: %v", again, err)
		}
	})
}

// The fuzzer can't sign, so the body is signed for it.
func FuzzBody(f *testing.F) {
	g := genesis(f)
	f.Add(g.body)
	for _, c := range []Content{
		grant(), &Revoke{Peer: grant().Peer, Cuts: manyCuts(2)}, NewKeys([VaultSize]byte{1}, 1, []byte("x")), &Policy{Serial: 1},
		&Invite{Key: KeyOf(seeded(4)), Roles: RolesReader, Check: make([]byte, CheckSize)},
	} {
		s, err := New(seeded(1), g.After(), c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.body)
	}
	order := RootOrder{Network: g.Network(), Root: KeyOf(seeded(5)), Generation: 1, Cuts: manyCuts(1)}
	s, err := New(seeded(5), Header{Network: g.Network(), Seq: 1}, &NewRoot{Order: order, Approvals: []Approval{Approve(seeded(2), order)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.body)
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := sign(seeded(1), body)
		if err != nil {
			checkError(t, err)
			return
		}
		// What was read can be written again, and says the same.
		h := Header{s.network, s.seq, s.previous, s.timeMS}
		if _, begins := s.content.(*Genesis); begins {
			h.Network = NetworkID{}
		}
		if _, err := New(seeded(1), h, s.content); err != nil {
			t.Errorf("%#v: %v", s.content, err)
		}
	})
}

func FuzzParseSealedKeys(f *testing.F) {
	f.Add(EncodeSealedKeys([]SealedKey{{grant().Peer, []byte("sealed")}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := ParseSealedKeys(raw)
		if err != nil {
			checkError(t, err)
			return
		}
		again, err := ParseSealedKeys(EncodeSealedKeys(keys))
		if err != nil || len(again) != len(keys) {
			t.Errorf("%v: %v", again, err)
		}
	})
}

func FuzzParseNetworkID(f *testing.F) {
	f.Add(genesis(f).Network().String())
	f.Add("net1")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNetworkID(s)
		if err != nil {
			if fault.CodeOf(err) != fault.Usage || bytes.ContainsRune([]byte(err.Error()), '\n') {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := ParseNetworkID(n.String()); err != nil || again != n {
			t.Errorf("%v: %v", again, err)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if fault.CodeOf(err) != fault.Integrity || bytes.ContainsRune([]byte(err.Error()), '\n') {
		t.Errorf("%q", err)
	}
}
