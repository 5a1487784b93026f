package vault

import (
	"encoding/base32"
	"strings"

	"github.com/p2pchord/p2pchord/protocol/signed"
)

const (
	// Root begins the name of every encrypted file on the ring. The number is that of this format.
	Root = ".v1/"
	// tokenSize is the length in bytes of what stands for a name.
	tokenSize = 32
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Prefix returns how the names of all files of this vault begin on the ring.
func (v *Vault) Prefix() string { return Root + base32Lower.EncodeToString(v.id[:]) + "/" }

// StoredName returns the name under which the ring keeps a file.
func (v *Vault) StoredName(name string) string {
	token := v.names.mac([]byte(name))
	return v.Prefix() + base32Lower.EncodeToString(token[:])
}

// token reads what stands for a file's name in its name on the ring; false if that is none of this
// vault.
func (v *Vault) token(stored string) (token [tokenSize]byte, ok bool) {
	text, ok := strings.CutPrefix(stored, v.Prefix())
	if !ok || len(text) != base32Lower.EncodedLen(tokenSize) {
		return token, false
	}
	raw, err := base32Lower.DecodeString(text)
	if err != nil || base32Lower.EncodeToString(raw) != text { // the last letter has unused bits
		return token, false
	}
	return [tokenSize]byte(raw), true
}

// Has reports whether a name on the ring is one of this vault.
func (v *Vault) Has(stored string) bool {
	_, ok := v.token(stored)
	return ok
}

// Tags returns the tags of the folders that a file is in, one after the other: none when folders
// are hidden.
func (v *Vault) Tags(name string) []byte {
	if v.hideFolders {
		return nil
	}
	var tags []byte
	for _, f := range folders(name) {
		tags = append(tags, v.tag(f)...)
	}
	return tags
}

// FolderTag returns the tag of the folder in which all files are whose names begin with prefix.
func (v *Vault) FolderTag(prefix string) []byte {
	all := folders(prefix)
	return v.tag(all[len(all)-1])
}

func (v *Vault) tag(folder string) []byte {
	m := v.folders.mac([]byte(folder))
	return m[:signed.TagSize]
}

// folders returns the folders above a name, each with its "/" at the end, from the top, which is
// "". Of more than MaxTags it returns the upper ones.
func folders(name string) []string {
	all := []string{""}
	for i := 0; i < len(name) && len(all) < signed.MaxTags; i++ {
		if name[i] == '/' {
			all = append(all, name[:i+1])
		}
	}
	return all
}
