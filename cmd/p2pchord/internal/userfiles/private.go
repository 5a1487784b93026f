package userfiles

import (
	"path/filepath"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/datafolder"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// refuseDataFolder refuses what is in the data folder of a peer unless forced, and a token always.
// The node refuses keys, which it recognizes by their content.
func refuseDataFolder(path string, forced bool) error {
	dir := datafolder.Around(path)
	switch {
	case dir == "":
		return nil
	case !forced:
		return fault.New(fault.NotAllowed, "can't put %s: it is in the data folder of a peer, %s: give --force to store it anyway, without keys", path, dir)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil && isToken(resolved) {
		return tokenRefused(path)
	}
	return nil
}

// isToken reports whether a file is the token of a node's local API.
func isToken(path string) bool {
	return filepath.Base(path) == gateway.TokenName && datafolder.At(filepath.Dir(path))
}

func tokenRefused(path string) error {
	return fault.New(fault.NotAllowed, "can't put %s: it is the token of a node's local API, which is never stored", path)
}
