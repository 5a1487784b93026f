package gateway

import (
	"context"

	"github.com/p2pchord/p2pchord/gateway/internal/api"
	"github.com/p2pchord/p2pchord/gateway/internal/socket"
	"github.com/p2pchord/p2pchord/node"
)

type (
	// Ring is what can be done with the files of a ring, as a member or as a client.
	Ring = api.Ring
	// Peer is a member of the ring.
	Peer = api.Peer
	// File is a file being fetched.
	File = api.File
	// Problem is a failure as it travels: the inside of {"error":{...}}.
	Problem = api.Problem
	// Self identifies the peer that answers.
	Self = api.Self
)

// SocketName is the name of the API's socket in a node's data folder.
const SocketName = socket.Name

// DefaultWithin is how long a node that quits hands over files.
const DefaultWithin = api.DefaultWithin

// ProblemOf describes err for a user: on one line, with one of the codes that users see.
func ProblemOf(err error) Problem { return api.ProblemOf(err) }

// OneLine returns s on one line, without anything that a terminal would obey, or that hides or
// reorders what is shown.
func OneLine(s string) string { return api.OneLine(s) }

// OfNode returns a node of this process as a Peer.
func OfNode(n *node.Node) Peer { return ofNode{n} }

// OfClient returns a client of this process as a Ring.
func OfClient(c *node.Client) Ring { return ofClient{c} }

type (
	ofNode   struct{ *node.Node }
	ofClient struct{ *node.Client }
)

func (n ofNode) Get(ctx context.Context, name string, o node.GetOptions) (File, error) {
	return opened(n.Node.Get(ctx, name, o))
}

func (n ofNode) Gone() bool {
	select {
	case <-n.Done():
		return true
	default:
		return false
	}
}

func (c ofClient) Get(ctx context.Context, name string, o node.GetOptions) (File, error) {
	return opened(c.Client.Get(ctx, name, o))
}

// opened returns a *node.File as a File. A nil *node.File becomes a nil File.
func opened(f *node.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
