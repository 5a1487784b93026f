package transfer

import (
	"context"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
)

// A network that was made of an open ring has files from before, which are not encrypted. An
// encrypted file hides one of the same name, and a put replaces it.

// clear returns the file of that name that is not encrypted; false if none is to be looked for.
func (c *Client) clear(t target) (target, bool) {
	if t.vault == nil || c.cfg.Clear == nil || !c.cfg.Clear() {
		return target{}, false
	}
	return target{name: t.name, stored: t.name}, true
}

// orClear does something with a file: the encrypted one, or if there is none the other.
func orClear[T any](c *Client, t target, do func(target) (T, error)) (T, error) {
	out, err := do(t)
	if fault.CodeOf(err) != fault.NotFound {
		return out, err
	}
	if other, ok := c.clear(t); ok {
		return do(other)
	}
	return out, err
}

// removeClear deletes the file of that name that is not encrypted, if there is one.
func (c *Client) removeClear(ctx context.Context, t target) error {
	other, ok := c.clear(t)
	if !ok {
		return nil
	}
	if err := c.remove(ctx, other); err != nil && fault.CodeOf(err) != fault.NotFound {
		return err
	}
	return nil
}

// withClear adds the files that are not encrypted to a list of those that are.
func (c *Client) withClear(ctx context.Context, ask listing, files []FileInfo) ([]FileInfo, error) {
	if _, ok := c.clear(target{vault: ask.vault}); !ok {
		return files, nil
	}
	others, err := c.listAll(ctx, listing{prefix: ask.prefix})
	if err != nil {
		return nil, err
	}
	all := slices.Clone(files)
	for _, f := range others {
		_, hidden := slices.BinarySearchFunc(files, f.Name, func(have FileInfo, name string) int { return strings.Compare(have.Name, name) })
		if !hidden && !strings.HasPrefix(f.Name, vault.Root) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b FileInfo) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
