package demo

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
)

// makeSamples writes sample files: a text, one of the size of a picture, one of several blocks, and
// an empty one.
func makeSamples(dir string) ([]string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	noise := rand.NewChaCha8([32]byte([]byte(strings.Repeat("p2pchord", 4))))
	var paths []string
	for _, s := range []struct {
		name  string
		bytes io.Reader
	}{
		{"a letter.txt", strings.NewReader("Whatever is put at one peer can be fetched from any other.\n")},
		{"picture.jpg", io.LimitReader(noise, 600<<10)},
		{"film.mkv", io.LimitReader(noise, 40<<20)},
		{"empty", strings.NewReader("")},
	} {
		path := filepath.Join(dir, s.name)
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(f, s.bytes); err != nil {
			_ = f.Close() // the first error is reported
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// rate formats a size, a time, and the rate.
func rate(n int64, took time.Duration) string {
	text := fmt.Sprintf("%s in %v", textfmt.Size(n), took.Round(time.Millisecond))
	if n >= 1<<20 && took > 0 {
		text += fmt.Sprintf(", %s/s", textfmt.Size(int64(float64(n)/took.Seconds())))
	}
	return text
}
