package main

import (
	"context"
	"regexp"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// atVersion is NAME@VERSION, the version as stat shows it: a clock and a peer ID.
var atVersion = regexp.MustCompile(`^(.+)@([0-9a-f]{16}\.[1-9A-HJ-NP-Za-km-z]{20,})$`)

// openVersion opens the file that is called name. Only when there is none, and name
// is NAME@VERSION, it opens that version of NAME: so a file whose own name has an '@'
// can always be reached. It returns the name without the version.
func openVersion(ctx context.Context, r gateway.Ring, name string, o node.GetOptions) (gateway.File, string, error) {
	file, err := r.Get(ctx, name, o)
	if parts := atVersion.FindStringSubmatch(name); fault.CodeOf(err) == fault.NotFound && o.Version == "" && parts != nil {
		name, o.Version = parts[1], parts[2]
		file, err = r.Get(ctx, name, o)
	}
	if fault.CodeOf(err) == fault.NotFound && o.Version != "" {
		err = fault.New(fault.NotFound, "no version %s of %q is kept: stat shows those that are", o.Version, name)
	}
	return file, name, err
}
