package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// A bill of materials in the form of CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/. See the
// package's comment for why no tool writes it.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// writeSBOM lists what is in a Go program of that version: the modules that the Go tool noted in it
// when it was linked, thus those that are really there, and Go's own library.
func writeSBOM(binary, version, out string, at time.Time) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	h := sha256.New()
	if err := copyFile(h, binary); err != nil {
		return err
	}
	b := billOf(info, filepath.Base(binary), version, h.Sum(nil), at)
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644) //nolint:gosec // it is published
}

func billOf(info *debug.BuildInfo, name, version string, sum []byte, at time.Time) bom {
	main := moduleOf(&debug.Module{Path: info.Main.Path, Version: version})
	main.Type, main.Ref = "application", name
	main.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "GO") || s.Key == "CGO_ENABLED" || s.Key == "-trimpath" {
			main.Properties = append(main.Properties, property{"golang:build:" + s.Key, s.Value})
		}
	}
	std := component{Type: "library", Name: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}
	std.PURL = purl("std", std.Version)
	std.Ref = std.PURL
	b := bom{
		Format: "CycloneDX", Spec: "1.6", Version: 1, Serial: uuid(sum),
		Metadata:   metadata{at.Format(time.RFC3339), main},
		Components: []component{std},
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Components = append(b.Components, moduleOf(m))
	}
	all := dependency{Ref: main.Ref}
	for _, c := range b.Components {
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	b.Dependencies = []dependency{all}
	return b
}

func moduleOf(m *debug.Module) component {
	c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: purl(m.Path, m.Version)}
	c.Ref = c.PURL
	if m.Sum != "" {
		// Not the hash of a file: of the module's list of files, as go.sum has it.
		c.Properties = []property{{"golang:sum", m.Sum}}
	}
	return c
}

// purl is a module's package URL, https://github.com/package-url/purl-spec.
func purl(path, version string) string {
	return "pkg:golang/" + path + "@" + url.PathEscape(version)
}

// uuid makes a serial number of a hash, so that equal programs have equal ones (RFC 9562, version
// 8).
func uuid(sum []byte) string {
	u := [16]byte(sum[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
