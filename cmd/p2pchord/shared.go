package main

import (
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/flags"
	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/share"
)

// sharedFolder is the folder of --share, or none.
type sharedFolder struct{ *share.Folder }

// withFolder begins to share the folder of --share, and returns the peer with it.
func (a *app) withFolder(p gateway.Peer, data string, f flags.Node, events *eventLog) (gateway.Peer, sharedFolder, error) {
	if f.Share == "" {
		return p, sharedFolder{}, nil
	}
	folder, err := share.Open(share.Config{Dir: f.Share, Data: data, Ring: p, Interval: f.ScanInterval, Copies: f.Copies, Events: events.show})
	if err != nil {
		return nil, sharedFolder{}, err
	}
	return gateway.WithFolder(p, folder), sharedFolder{folder}, nil
}

// close ends the sharing, if there is any. It may be called more than once.
func (f sharedFolder) close() error {
	if f.Folder == nil {
		return nil
	}
	return f.Close()
}
