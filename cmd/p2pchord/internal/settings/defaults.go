package settings

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// DefaultData is a user's data folder for a peer of this kind, "node" or "bootstrap": in
// $XDG_DATA_HOME, or where the system keeps application data. It is "" for a user without a home.
func DefaultData(kind string) string {
	base := userData()
	if base == "" {
		return ""
	}
	return filepath.Join(base, "p2pchord", kind)
}

func userData() string {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return d
	}
	switch runtime.GOOS {
	case "windows":
		if d := os.Getenv("LocalAppData"); d != "" {
			return d
		}
	case "darwin":
		return inHome("Library", "Application Support")
	}
	return inHome(".local", "share")
}

// DefaultConfig is the config file that is read if it exists; "" for a user without a home.
func DefaultConfig() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		dir = inHome(".config")
		if runtime.GOOS == "windows" {
			if d, err := os.UserConfigDir(); err == nil {
				dir = d
			}
		}
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "p2pchord", "config.toml")
}

// home is the user's home folder; "" when the environment names none, or only a relative path,
// which would be another folder for each folder that the program is started in.
func home() string {
	h, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(h) {
		return ""
	}
	return h
}

// inHome is a path in the user's home folder; "" for a user without one.
func inHome(parts ...string) string {
	h := home()
	if h == "" {
		return ""
	}
	return filepath.Join(append([]string{h}, parts...)...)
}

// Tilde shortens a path in the user's home for help texts.
func Tilde(path string) string {
	if path == "" {
		return "none, because HOME is not set"
	}
	if rest, ok := strings.CutPrefix(path, home()+string(filepath.Separator)); ok && home() != "" {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}
