package datafolder_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/p2pchord/p2pchord/internal/datafolder"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func key(t *testing.T) []byte {
	t.Helper()
	k, _, err := crypto.GenerateEd25519Key(rand.Reader)
	check(t, err)
	b, err := crypto.MarshalPrivateKey(k)
	check(t, err)
	return b
}

func TestDataFoldersAreRecognized(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"empty":               {nil, false},
		"marked":              {map[string]string{"format": "p2pchord 1\n"}, true},
		"of a later program":  {map[string]string{"format": "p2pchord 9\n"}, true},
		"another's format":    {map[string]string{"format": "%PDF\n"}, false},
		"node, unmarked":      {map[string]string{"lock": "", "identity.key": string(key(t))}, true},
		"bootstrap, unmarked": {map[string]string{"lock": "", "identity": string(key(t))}, true},
		"a lock alone":        {map[string]string{"lock": ""}, false},
		"another's identity":  {map[string]string{"lock": "", "identity": "me"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for n, text := range c.files {
				check(t, os.WriteFile(filepath.Join(dir, n), []byte(text), 0o600))
			}
			if got := datafolder.At(dir); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAroundFollowsLinks(t *testing.T) {
	t.Parallel()
	top, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	data := filepath.Join(top, "data")
	check(t, os.MkdirAll(filepath.Join(data, "store", "x"), 0o700))
	check(t, os.WriteFile(filepath.Join(data, "format"), []byte("p2pchord 1\n"), 0o600))
	check(t, os.Symlink(filepath.Join(data, "format"), filepath.Join(top, "link")))
	for path, want := range map[string]string{
		data: data, filepath.Join(data, "store", "x"): data, filepath.Join(top, "link"): data, top: "", filepath.Join(top, "none"): "",
	} {
		if got := datafolder.Around(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestSecretsAreRecognized(t *testing.T) {
	t.Parallel()
	token := rand.Text() + rand.Text()
	for what, c := range map[string]struct {
		content []byte
		want    bool
	}{
		"key": {key(t), true}, "token": {[]byte(token + "\n"), true}, "nothing": {nil, false}, "text": {[]byte("hello\n"), false},
		"half a token": {[]byte(token[:26] + "\n"), false}, "half a key": {key(t)[:40], false},
		"52 small letters": {[]byte("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n"), false},
	} {
		if got := datafolder.Secret(c.content); (got != "") != c.want {
			t.Errorf("%s: %q", what, got)
		}
	}
}
