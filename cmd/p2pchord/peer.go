package main

import (
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/process"
)

// reloadLogs reads the settings of a running command again and sets its log levels, unless they
// were given on the command line.
func (a *app) reloadLogs(command string, given bool) {
	c, _, err := a.settled(command)
	if err == nil && !given {
		err = a.logs.Set(c.Flags().Lookup("log-level").Value.String())
	}
	if err != nil {
		a.out.Warn("the settings were not read again: %v", err)
		return
	}
	a.out.Say("the settings were read again: the log levels apply now, everything else at the next start")
}

// answersEnd is how long a node that ends waits for the calls of its API.
const answersEnd = 5 * time.Second

// ready is the first line of a long-running command with --json.
type ready struct {
	Time        time.Time `json:"time"`
	Event       string    `json:"event"`
	PeerID      string    `json:"peer_id"`
	RingAddress string    `json:"ring_address"`
	Addrs       []string  `json:"addrs"`
}

// showReady publishes the addresses of a peer that serves: in the file, then on stdout.
func (a *app) showReady(file, id, ringAddress string, addrs []ma.Multiaddr) error {
	if err := process.WriteAddrFile(file, addrs); err != nil {
		return err
	}
	if a.json {
		a.out.Object(ready{time.Now(), "ready", id, ringAddress, process.Texts(addrs)})
		return nil
	}
	for _, m := range addrs {
		a.out.Line("%s", m)
	}
	return nil
}

// serviceManager connects to the manager that started this process, if there is one.
func (a *app) serviceManager() *process.ServiceManager {
	s, err := process.OpenServiceManager(a.lookupEnv)
	if err != nil {
		a.out.Warn("%v", err)
	}
	return s
}
