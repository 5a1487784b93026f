// Command dist does what tools/dist.sh needs beside the Go tool: archives, bills of
// materials and checksums that are the same, byte for byte, from the same source.
// It is for making releases only; no other room uses it, and it starts nothing and asks no network.
//
// Bills of materials are not left to cyclonedx-gomod (checked: v1.10.0, bin -noserial
// -notimestamp). It puts the hashes of its own executable into each bill, so a release made on
// another kind of machine would have other bytes. It can't take its time from SOURCE_DATE_EPOCH,
// and it writes the standard library's version as go1.26.1, which no package URL has.
//
//	dist archive FOLDER OUT.tar.gz|OUT.zip
//	dist sbom BINARY VERSION OUT.cdx.json
//	dist sums FOLDER
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("use: dist archive FOLDER OUT | dist sbom BINARY VERSION OUT | dist sums FOLDER")

func run(args []string) error {
	at, err := epoch(os.Getenv("SOURCE_DATE_EPOCH"))
	switch {
	case err != nil:
		return err
	case len(args) == 3 && args[0] == "archive":
		return writeArchive(args[1], args[2], at)
	case len(args) == 4 && args[0] == "sbom":
		return writeSBOM(args[1], args[2], args[3], at)
	case len(args) == 2 && args[0] == "sums":
		return writeSums(args[1])
	}
	return errUsage
}

// epoch reads SOURCE_DATE_EPOCH, seconds since 1970: the time that everything gets.
func epoch(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, errors.New("SOURCE_DATE_EPOCH isn't set: it is the time that all files get, as of git log -1 --format=%ct")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%q is not a number of seconds", s)
	}
	return time.Unix(n, 0).UTC(), nil
}
