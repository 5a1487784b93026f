package datafolder

import (
	"bytes"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
)

// MaxSecret is the size in bytes of the largest secret that is recognized.
const MaxSecret = 16 << 10

// tokenLength is the number of characters of a token of the local API as the gateway makes it.
const tokenLength = 52

// How files with the keys of a private network begin.
const (
	NetworkKeys = `{"kind":"p2pchord network keys"`
	DataKeys    = "p2pchord data keys 1\n"
)

// Secret returns which secret of a peer the content of a file is, or "".
func Secret(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte(NetworkKeys)):
		return "a peer's keys of a private network"
	case bytes.HasPrefix(content, []byte(DataKeys)):
		return "the data keys of a private network"
	}
	if len(content) > MaxSecret {
		return ""
	}
	if _, err := crypto.UnmarshalPrivateKey(content); err == nil {
		return "the private key of a peer"
	}
	if isToken(content) {
		return "a token of the local API"
	}
	return ""
}

// isToken reports whether content is what crypto/rand.Text wrote twice.
func isToken(content []byte) bool {
	text := strings.TrimSuffix(string(content), "\n")
	const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return len(text) == tokenLength && strings.Trim(text, base32) == ""
}
