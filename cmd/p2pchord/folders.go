package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// defaultData is the per-user data folder of a "node" or a "bootstrap" peer:
// in $XDG_DATA_HOME, or where the system keeps such things; "" for a user without a home.
func defaultData(kind string) string {
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

// defaultConfig is the config file that is read when there is one; "" for a user without a home.
func defaultConfig() string {
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

// home is the user's home folder; "" when the environment names none. A relative one would be
// another folder for each place that the program is started at.
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

// tilde shortens a path in the user's home.
func tilde(path string) string {
	if path == "" {
		return "none, for HOME is not set"
	}
	if rest, ok := strings.CutPrefix(path, home()+string(filepath.Separator)); ok && home() != "" {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}

// dataFolder is the folder that --data names, or the default.
func (a *app) dataFolder(kind string) (string, error) {
	if a.data != "" {
		return a.data, nil
	}
	if dir := defaultData(kind); dir != "" {
		return dir, nil
	}
	return "", errNoHome
}

// errNoHome refuses to make up a data folder.
var errNoHome = fault.New(fault.Usage, "there is no default data folder, for HOME is not set to a folder's full path: give --data DIR")

// historyFile is where a prompt keeps what was typed; "" for nowhere.
func (a *app) historyFile() string {
	dir, err := a.dataFolder("node")
	if err != nil {
		return ""
	}
	return filepath.Join(dir, historyName)
}
