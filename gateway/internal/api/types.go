package api

import "time"

// Self says who answers.
type Self struct {
	PeerID      string `json:"peer_id"`
	RingAddress string `json:"ring_address"`
}

// A connection on which nothing is asked is closed: first by the client, so that none
// of its requests meets a connection that is just being closed.
const (
	IdleClient = time.Minute
	IdleServer = 3 * time.Minute
)

// DefaultWithin is how long a node that quits hands over files.
const DefaultWithin = 10 * time.Second

// Departed is the result of a departure after which the peer is gone.
type Departed struct {
	Gone bool `json:"gone"`
}

// Saved is the result of a call of /v1/save.
type Saved struct {
	Sources []string `json:"sources"`
}
