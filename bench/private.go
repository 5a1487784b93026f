package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/nodefolder"
	"github.com/p2pchord/p2pchord/internal/p2phost"
	"github.com/p2pchord/p2pchord/network/statement"
)

// encrypted measures the same through the nodes of an open ring and of a private one, one after the
// other and in turns: what encryption costs.
func (b *bench) encrypted(ctx context.Context, dir, big string) error {
	kinds := []bool{false, true}
	if len(b.taken.times[rowPutPrivate])%2 == 1 {
		slices.Reverse(kinds)
	}
	for _, private := range kinds {
		if err := b.throughRing(ctx, filepath.Join(dir, fmt.Sprintf("private-%t", private)), filepath.Join(dir, "small"), big, private); err != nil {
			return err
		}
	}
	return nil
}

// throughRing puts and gets files through the nodes of a new ring.
func (b *bench) throughRing(ctx context.Context, dir, small, big string, private bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // room for what follows
	rows := [4]string{rowPutOpen, rowGetOpen, rowPutManyOpen, rowGetManyOpen}
	if private {
		rows = [4]string{rowPutPrivate, rowGetPrivate, rowPutManyPrivate, rowGetManyPrivate}
		if err := makePrivate(dir); err != nil {
			return err
		}
	}
	r, err := startRing(ctx, b.binary, dir)
	if err != nil {
		return err
	}
	defer r.stop(func(name string, bytes int64) { b.taken.memory(name, bytes) })
	measure := func(row, folder string, args ...string) error {
		before := r.cpu()
		out, err := command(ctx, b.binary, append(args, "--data", folder, "--quiet")...)
		if err != nil {
			return err
		}
		b.taken.command(row, out, r.cpu()-before)
		return nil
	}
	out := filepath.Join(dir, "out")
	if err := measure(rows[0], r.folders[0], "put", big); err != nil {
		return err
	}
	if err := r.whole(ctx, b.size); err != nil {
		return err
	}
	if err := measure(rows[1], r.folders[1], "get", "big", "-o", out); err != nil {
		return err
	}
	if same, err := equalFiles(out, big); err != nil || !same {
		return errors.Join(err, errors.New("the file that came back differs"))
	}
	if err := measure(rows[2], r.folders[0], "put", "-r", small); err != nil {
		return err
	}
	return measure(rows[3], r.folders[2], "get", "-r", "small/", "-o", filepath.Join(dir, "back"))
}

// makePrivate makes a private network of the nodes that will be started in dir, at the places that
// nodes of an open ring have.
func makePrivate(dir string) error {
	identity := func(folder, file string) (crypto.PrivKey, error) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		return p2phost.LoadOrCreateIdentity(filepath.Join(folder, file))
	}
	var admin *membership.Network
	var all []*membership.Network
	for i := range nodes {
		folder, place := filepath.Join(dir, fmt.Sprintf("node%d", i+1)), fmt.Sprintf("localhost:%d", 8001+i)
		key, err := identity(folder, nodefolder.IdentityFile)
		if err != nil {
			return err
		}
		if admin == nil {
			admin, err = membership.Create(folder, key, membership.Founding{Name: "bench", Label: "node1", Place: place}, time.Now())
			if err != nil {
				return err
			}
			continue
		}
		n, err := membership.Follow(folder, key, admin.ID())
		if err != nil {
			return err
		}
		g := statement.Grant{Peer: statement.Peer(n.Self()), Roles: statement.RolesMember, Place: place, SealKey: n.SealKey().PublicKey().Bytes()}
		if err := admin.Grant(g, time.Now()); err != nil {
			return err
		}
		all = append(all, n)
	}
	for _, n := range all {
		if _, err := n.Add(admin.Missing(n.Heads())); err != nil {
			return err
		}
		sealed, err := admin.SealKeys(n.Self(), time.Now())
		if err != nil {
			return err
		}
		if err := n.TakeKeys(sealed); err != nil {
			return err
		}
	}
	folder := filepath.Join(dir, "bootstrap")
	key, err := identity(folder, "identity")
	if err != nil {
		return err
	}
	_, err = membership.Follow(folder, key, admin.ID())
	return err
}
