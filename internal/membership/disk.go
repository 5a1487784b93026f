package membership

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/network"
	"github.com/p2pchord/p2pchord/network/statement"
)

const (
	folderName     = "network"
	idName         = "network"
	statementsName = "statements"
	keysName       = "keys.json"
	addressesName  = "addresses"

	// statementsMark begins the file of statements; the number is the version of its form.
	statementsMark = "p2pchord statements 1\n"
	// maxFile bounds what is read of it: statements, and attachments.
	maxFile = 2*statement.MaxTotal + 16*statement.MaxStatements
)

// read reads what the folder has. It changes nothing but temporary files, and makes what keys are
// missing.
func (n *Network) read() error {
	raw, err := os.ReadFile(n.file(idName))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNone
	}
	if err != nil {
		return fault.New(fault.Failed, "can't read the network of this data folder: %w", err)
	}
	if n.id, err = statement.ParseNetworkID(strings.TrimSpace(string(raw))); err != nil {
		return fault.New(fault.Failed, "%s is damaged: restore it from a copy, or write the network's ID into it", n.file(idName))
	}
	if err := durable.Sweep(n.dir); err != nil {
		return err
	}
	if err := n.readKeys(); err != nil {
		return err
	}
	heard, err := n.readStatements()
	if err != nil {
		return err
	}
	n.publish(heard)
	if err := n.readVault(); err != nil {
		return err
	}
	n.takeAnnounced()
	if s := n.State(); n.vault.Load() == nil && n.HasRoot() && len(s.Keys) == 0 {
		return n.foundVault(time.Now()) // of a network that was made without one
	}
	return nil
}

// begin makes the folder of a new network, with the statements of set, which may be nil. The ID is
// written last: without it there is no network.
func (n *Network) begin(set *network.Set) error {
	if err := durable.MakeFolder(n.dir, 0o700); err != nil {
		return err
	}
	if n.keys.Load() == nil {
		if err := n.readKeys(); err != nil {
			return err
		}
	} else if err := n.keys.Load().write(n.file(keysName)); err != nil {
		return err
	}
	if set != nil {
		if err := n.write(set); err != nil {
			return err
		}
	}
	if err := durable.WriteFile(n.file(idName), []byte(n.id.String()+"\n"), 0o600); err != nil {
		return fault.New(fault.Failed, "can't keep the network: %w", err)
	}
	return nil
}

func (n *Network) file(name string) string { return filepath.Join(n.dir, name) }

// readStatements reads the set, and returns when it was last written.
func (n *Network) readStatements() (time.Time, error) {
	path := n.file(statementsName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fault.New(fault.Failed, "can't read the network's statements %s: %w", path, fault.Reason(err))
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return time.Time{}, fault.New(fault.Failed, "can't read the network's statements %s: %w", path, fault.Reason(err))
	}
	all, err := decodeStatements(raw)
	if err == nil {
		n.set, err = newSet(n.id, all)
	}
	if err != nil {
		return time.Time{}, fault.New(fault.Failed, "the network's statements %s are damaged: %w: restore the file from a copy, or move it away and give the peer what another member's \"network export\" wrote", path, err)
	}
	st, err := f.Stat()
	if err != nil {
		return time.Time{}, fault.New(fault.Failed, "can't read the network's statements %s: %w", path, fault.Reason(err))
	}
	return st.ModTime(), nil
}

// newSet returns the set with these statements, the first of which is the genesis.
func newSet(id statement.NetworkID, all []*statement.Statement) (*network.Set, error) {
	if len(all) == 0 || all[0].Network() != id {
		return nil, fault.New(fault.Failed, "the first statement doesn't begin the network %s", id.Short())
	}
	set, err := network.NewSet(all[0])
	if err != nil {
		return nil, err
	}
	for _, st := range all[1:] {
		if _, err := set.Add(st); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// write makes a set durable, with statements that it doesn't have yet. The lock must be held, or
// nobody else have n.
func (n *Network) write(set *network.Set, more ...*statement.Statement) error {
	var latest []statement.ID // whose attachments are of use
	if s := n.State(); s != nil {
		latest = s.LatestKeys()
	}
	for _, st := range more {
		latest = append(latest, st.ID())
	}
	raw := encodeStatements(slices.Concat(set.All(), more), latest)
	if err := durable.WriteFileOn(n.fs, n.file(statementsName), raw, 0o600); err != nil {
		return fault.New(writeCode(err), "can't keep the network's statements: %w: make space on the disk, or check its permissions", err)
	}
	return nil
}

func writeCode(err error) fault.Code {
	if errors.Is(err, syscall.ENOSPC) {
		return fault.NoSpace
	}
	return fault.Failed
}

// encodeStatements returns the content of the file, with the attachments of those in latest.
func encodeStatements(all []*statement.Statement, latest []statement.ID) []byte {
	out := []byte(statementsMark)
	for _, st := range all {
		raw := st.Encode(slices.Contains(latest, st.ID()))
		out = binary.AppendUvarint(out, uint64(len(raw)))
		out = append(out, raw...)
	}
	return out
}

// decodeStatements reads what encodeStatements wrote.
func decodeStatements(raw []byte) (out []*statement.Statement, err error) {
	rest, ok := bytes.CutPrefix(raw, []byte(statementsMark))
	switch {
	case len(raw) > maxFile:
		return nil, fault.New(fault.Failed, "it has more than %d bytes", maxFile)
	case !ok:
		return nil, fault.New(fault.Failed, "it doesn't begin with %q", strings.TrimSpace(statementsMark))
	}
	for len(rest) > 0 {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return nil, fault.New(fault.Failed, "it ends within statement %d", len(out)+1)
		}
		st, err := statement.Parse(rest[n : n+int(size)])
		if err != nil {
			return nil, fault.New(fault.Failed, "statement %d: %w", len(out)+1, err)
		}
		out, rest = append(out, st), rest[n+int(size):]
	}
	return out, nil
}
