package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// defaultData is the per-user data folder of a "node" or a "bootstrap" peer:
// in $XDG_DATA_HOME, or where the system keeps such things.
func defaultData(kind string) string {
	return filepath.Join(userData(), "p2pchord", kind)
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
		return filepath.Join(home(), "Library", "Application Support")
	}
	return filepath.Join(home(), ".local", "share")
}

// defaultConfig is the config file that is read when there is one.
func defaultConfig() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(home(), ".config")
		if runtime.GOOS == "windows" {
			if d, err := os.UserConfigDir(); err == nil {
				dir = d
			}
		}
	}
	return filepath.Join(dir, "p2pchord", "config.toml")
}

func home() string {
	h, err := os.UserHomeDir()
	if err != nil {
		return "." // a service without a home keeps to its working folder
	}
	return h
}

// tilde shortens a path in the user's home.
func tilde(path string) string {
	if rest, ok := strings.CutPrefix(path, home()+string(filepath.Separator)); ok {
		return "~" + string(filepath.Separator) + rest
	}
	return path
}

// dataFolder is the folder that --data names, or the default.
func (a *app) dataFolder(kind string) string {
	if a.data != "" {
		return a.data
	}
	return defaultData(kind)
}
