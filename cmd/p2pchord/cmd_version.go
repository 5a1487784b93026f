package main

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is the JSON of the version.
type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	Libp2p  string `json:"libp2p"`
	System  string `json:"system"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		Example: example("p2pchord version", "p2pchord version --json"),
		Args:    exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if a.json {
				a.out.Object(v)
				return nil
			}
			a.out.Line("p2pchord %s (commit %s, %s, go-libp2p %s, %s)", v.Version, v.Commit, v.Go, v.Libp2p, v.System)
			return nil
		},
	}
}

// The version and commit of a release build, set with the linker's -X; empty in other builds.
var version, commit string

// readVersion returns what the program was built from, as its build or the Go tool noted it.
func readVersion() versionInfo {
	v := versionInfo{Version: "unknown", Commit: "unknown", Go: runtime.Version(), Libp2p: "unknown", System: runtime.GOOS + "/" + runtime.GOARCH}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if b.Main.Version != "" {
		v.Version = b.Main.Version
	}
	for _, d := range b.Deps {
		if d.Path == "github.com/libp2p/go-libp2p" {
			v.Libp2p = d.Version
		}
	}
	dirty := ""
	for _, s := range b.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ", changed"
		}
	}
	v.Version = cmp.Or(version, v.Version)
	v.Commit = cmp.Or(commit, v.Commit+dirty)
	return v
}
