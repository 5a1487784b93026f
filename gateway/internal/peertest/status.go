package peertest

import (
	"cmp"
	"context"
	"iter"
	"reflect"
	"time"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
	"github.com/p2pchord/p2pchord/node"
	"github.com/p2pchord/p2pchord/share"
)

// Full returns a Peer that has something in every field of its answers.
func Full() *Peer {
	f := New()
	f.Files["a/b c"], f.Times["a/b c"] = []byte("0123456789"), time.Unix(1, 0)
	f.Damaged = true
	now := time.Unix(2, 0)
	f.Updates = []share.Update{
		{Folder: &share.Status{Time: now, Folder: "/f", State: share.FolderWatching, Problems: []string{"p"}}},
		{File: &share.File{Time: now, Name: "n", State: share.StateRefused, Code: "no_space", Reason: "full", Retry: true}},
		{File: &share.File{Time: now, Name: "m", State: share.StateStored, Hash: "00", Copies: 3}},
		{Present: true},
	}
	return f
}

// Status is that of api.Peer.
func (f *Peer) Status(ctx context.Context) (node.Status, error) {
	m := node.Member{PeerID: "a", Key: 1, Addrs: []string{"/ip4/127.0.0.1/tcp/1"}}
	return node.Status{
		PeerID: "fake", Key: 9, State: "active", Ring: node.RingHealth{OK: true, Problems: []string{}},
		Addrs: []string{}, Successor: m, Predecessor: &m, Successors: []node.Member{m},
		Files: []node.FileInfo{{Name: "a"}}, BackupFiles: []node.FileInfo{}, Bootstrap: []node.Contact{{Addr: "x"}}, CopiesMissing: 2,
		Network: node.Network{Reachability: "private"}, Repair: node.Repair{PeersBehind: 1, RecordsShort: 2, BlocksMissing: 3},
	}, nil
}

// Health is that of api.Peer.
func (f *Peer) Health(ctx context.Context) (node.Status, error) { return f.Status(ctx) }

// Trace is that of api.Peer.
func (f *Peer) Trace(ctx context.Context, name string) (node.Trace, error) {
	i, err := f.FileInfo(name)
	if err != nil {
		return node.Trace{}, err
	}
	return withLists(node.Trace{Name: name, Key: i.Key, File: &i, Holders: []node.TraceHolder{{Role: "owner", Has: node.HasComplete}}}), nil
}

// Peers is that of api.Peer.
func (f *Peer) Peers(context.Context) ([]node.Connection, error) {
	ms, key := 1.5, uint16(7)
	return withLists([]node.Connection{
		{PeerID: "peer1", Key: &key, Role: node.RoleSuccessor, Path: node.PathDirect, LatencyMS: &ms, BytesIn: 5},
		{PeerID: "peer2", Role: node.RoleOther, Path: node.PathRelayed, Via: "peer1"},
	}), nil
}

// Netcheck is that of api.Peer.
func (f *Peer) Netcheck(ctx context.Context) (node.Netcheck, error) {
	if f.Hang != nil {
		select {
		case <-f.Hang:
		case <-ctx.Done():
			return node.Netcheck{}, ctx.Err()
		}
	}
	return withLists(node.Netcheck{Online: true, Problems: []node.Problem{{Code: "alone", Severity: node.SeverityNote}}}), nil
}

// PeerID is that of api.Peer.
func (f *Peer) PeerID() string { return "fake" }

// RingAddress is that of api.Peer.
func (f *Peer) RingAddress() string { return "localhost:8001" }

// Leave is that of api.Peer.
func (f *Peer) Leave(ctx context.Context, report func(node.HandOver)) error {
	report(node.HandOver{Name: "a", To: "peer1"})
	report(node.HandOver{Name: "b", Error: "nobody takes it"})
	return fault.New(fault.Failed, "1 file of 2 stays here: b")
}

// Quit is that of api.Peer.
func (f *Peer) Quit(ctx context.Context, report func(node.HandOver)) error {
	d, ok := ctx.Deadline()
	report(node.HandOver{Name: cmp.Or(time.Until(d).Round(time.Second).String(), "none"), To: map[bool]string{true: "deadline"}[ok]})
	return nil
}

// Gone is that of api.Peer.
func (f *Peer) Gone() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.Stays
}

// Verify is that of api.Peer.
func (f *Peer) Verify(_ context.Context, report func(node.Damage)) (node.Verified, error) {
	if f.Damaged {
		report(node.Damage{Hash: "00", Error: "other bytes"})
		return node.Verified{Blocks: 2, Bytes: 20, Bad: 1}, nil
	}
	return node.Verified{Blocks: 2, Bytes: 20}, nil
}

// ManageNetwork is that of api.Peer.
func (f *Peer) ManageNetwork(_ context.Context, r manage.Request) (manage.Answer, error) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	switch r.Do {
	case manage.DoStatus:
		return manage.Answer{Status: &manage.Status{Name: "home", Forks: []manage.Fork{{Issuer: "00", Seq: 1}}, Heard: &at}}, nil
	case manage.DoMembers:
		return manage.Answer{Members: []manage.Member{{Name: "a"}, {Name: "b", Expires: &at}}}, nil
	case manage.DoInvite:
		return manage.Answer{Invitations: []manage.Invitation{{Code: "p2pj1", Expires: at}}}, nil
	case manage.DoExport:
		return manage.Answer{Statements: []byte("x"), Added: 1}, nil
	}
	return manage.Answer{}, manage.ErrNoNetwork
}

// Watch is that of api.Peer.
func (f *Peer) Watch(ctx context.Context, follow bool) iter.Seq2[share.Update, error] {
	return func(yield func(share.Update, error) bool) {
		for _, u := range f.Updates {
			if !yield(u, nil) {
				return
			}
		}
		if follow {
			<-ctx.Done()
		}
	}
}

// Close is that of api.Peer.
func (f *Peer) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Closed = true
	return nil
}

// withLists makes the lists of an answer that are nil empty, as a node's are.
func withLists[T any](v T) T {
	var fill func(reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Slice:
			if v.IsNil() {
				v.Set(reflect.MakeSlice(v.Type(), 0, 0))
			}
			for i := range v.Len() {
				fill(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Field(i).CanSet() {
					fill(v.Field(i))
				}
			}
		case reflect.Pointer:
			if !v.IsNil() {
				fill(v.Elem())
			}
		default: // it has no lists in it
		}
	}
	fill(reflect.ValueOf(&v))
	return v
}
