package main

import (
	"context"
	"os"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/networkfolder"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/internal/membership/manage"
)

// networkManager is what verbs about a private network work on.
type networkManager interface {
	ManageNetwork(ctx context.Context, r manage.Request) (manage.Answer, error)
	Close() error
}

// openNetwork returns the running node of --data or --api or, if none runs, the network of the data
// folder itself.
func (a *app) openNetwork(cmd *cobra.Command) (networkManager, error) {
	c, err := a.dialNode(cmd.Context(), cmd)
	if err == nil {
		return c, nil
	}
	if a.api != "" || fault.CodeOf(err) != fault.Unreachable {
		return nil, err
	}
	dir, err := a.dataFolder("node")
	if err != nil {
		return nil, err
	}
	f, err := networkfolder.Open(dir)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// manage carries out one request, and returns the answer.
func (a *app) manage(cmd *cobra.Command, r manage.Request) (answer manage.Answer, err error) {
	m, err := a.openNetwork(cmd)
	if err != nil {
		return answer, err
	}
	answer, err = m.ManageNetwork(cmd.Context(), r)
	if cerr := m.Close(); err == nil {
		err = cerr
	}
	return answer, err
}

// joinedFolder returns the data folder of this machine that has joined a private network, and the
// addresses that it keeps; "" if there is none. It is that of --data, of a node, or of a client.
func (a *app) joinedFolder() (dir string, addrs []ma.Multiaddr, err error) {
	for _, kind := range []string{"node", clientFolder} {
		if dir, err = a.dataFolder(kind); err != nil || a.api != "" {
			return "", nil, nil // without a home there is none
		}
		if membership.Exists(dir) {
			list, err := membership.AddressesAt(dir)
			if err != nil {
				return "", nil, err
			}
			addrs, err = flags.Multiaddrs("an address of the private network, ", list, true)
			return dir, addrs, err
		}
	}
	return "", nil, nil
}

// machineName is what members call this machine unless it is told otherwise.
func machineName(given string) string {
	if given != "" {
		return given
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// sayOpen says what an open ring means, at the start of a peer of one.
func (a *app) sayRing(id, name string) {
	switch {
	case id == "":
		a.out.Say("p2pchord: this ring is open: whoever reaches a peer of it can read, replace, and delete all files; `p2pchord network create` makes a private one")
	case name == "":
		a.out.Say("p2pchord: this peer serves the members of the private network %s only", id)
	default:
		a.out.Say("p2pchord: this peer serves the members of the private network %q only", name)
	}
}
