package gateway

import (
	"context"

	"github.com/p2pchord/p2pchord/node"
)

// OfNode makes a node of this process a Peer.
func OfNode(n *node.Node) Peer { return ofNode{n} }

// OfClient makes a client that passes through a Ring.
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

// opened makes a *node.File a File, and no file a nil one.
func opened(f *node.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
