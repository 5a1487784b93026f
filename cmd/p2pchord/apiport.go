package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/gateway"
	"github.com/p2pchord/p2pchord/node"
)

// apiEvent is the JSON of where the API answers beside its socket.
type apiEvent struct {
	node.Event
	URL       string `json:"url"`
	TokenFile string `json:"token_file"`
}

// servePort serves the API on a port too, and says where and with what.
func (a *app) servePort(ctx context.Context, api *gateway.Server, data, addr string) error {
	if err := api.ServePort(ctx, addr); err != nil {
		return err
	}
	e := apiEvent{URL: "http://" + api.PortAddr(), TokenFile: filepath.Join(data, gateway.TokenName)}
	e.Event = node.Event{Time: time.Now(), Kind: "api", Text: "the API is on " + e.URL + ", with the token in " + e.TokenFile}
	if a.json {
		a.out.Object(e)
	} else {
		a.out.Say("%s", e.Text)
	}
	return nil
}
