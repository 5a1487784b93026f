package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	peers = 5
	// stepWithin bounds each step of the demo.
	stepWithin = 30 * time.Second
	// heartbeat is shorter than on a real network, because every peer is near.
	heartbeat = "1s"
)

// Options say what a demo shows.
type Options struct {
	Files   []string // samples if there are none
	Keep    bool     // leave the ring running, unless the demo fails
	Private bool     // make the ring a private one
}

// Run carries out the demo.
func Run(ctx context.Context, out *console.Output, o Options) (err error) {
	dir, err := os.MkdirTemp("", "p2pchord-demo-")
	if err != nil {
		return fault.New(fault.Failed, "can't make a folder for the demo: %w", err)
	}
	d := &demo{out: out, dir: dir, keep: o.Keep, private: o.Private, begun: time.Now()}
	defer func() {
		if o.Keep && err == nil {
			return
		}
		if cerr := d.cleanUp(); err == nil {
			err = cerr
		}
	}()
	if d.files, err = d.choose(o.Files); err != nil {
		return err
	}
	steps := []func(context.Context) error{
		d.start, d.showRing, d.putAll, d.getAll, d.killOwner, d.getAllAgain, d.repaired, d.showRing,
	}
	if o.Private {
		steps = []func(context.Context) error{
			d.createNetwork, d.start, d.showRing, d.putAll, d.getAll, d.showStranger, d.killOwner, d.getAllAgain, d.repaired,
			d.revoke, d.getAllAgain, d.showRing,
		}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.say("done", "all of it worked, in %v: what was put at one peer came back from others, byte for byte, and the crash of a peer lost nothing.",
		time.Since(d.begun).Round(100*time.Millisecond))
	if o.Keep {
		d.howToUse()
	}
	return nil
}

// demo is one run.
type demo struct {
	out   *console.Output
	dir   string
	keep  bool
	begun time.Time
	files []file
	boot  *process
	nodes []*demoPeer
	dead  *demoPeer

	private bool
	network string    // the ID of the private network
	revoked *demoPeer // it was a member
}

// line is the JSON of one message.
type line struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
}

// say prints what was done.
func (d *demo) say(step, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if d.out.JSON {
		d.out.Object(line{step, time.Since(d.begun).Seconds(), text})
		return
	}
	d.out.Line("%5.1fs  %s", time.Since(d.begun).Seconds(), text)
}

// detail prints more about it, for people only.
func (d *demo) detail(format string, args ...any) {
	if !d.out.JSON {
		d.out.Line("        "+format, args...)
	}
}

func (d *demo) showRing(ctx context.Context) error {
	if d.dead == nil {
		d.say("ring", "the ring, in order; each peer owns the keys after its predecessor's, up to its own:")
	} else {
		d.say("ring", "the ring without %s:", d.dead.name)
	}
	n := d.alive()[0]
	for m, err := range n.client.Members(ctx) {
		if err != nil {
			return fault.New(fault.CodeOf(err), "can't list the ring: %w", err)
		}
		name := "?"
		for _, x := range d.nodes {
			if x.client.PeerID() == m.PeerID {
				name = x.name
			}
		}
		d.detail("%5d  %s  %s", m.Key, name, m.PeerID)
	}
	return nil
}

// howToUse prints what can be done with a ring that is kept.
func (d *demo) howToUse() {
	self, err := os.Executable()
	if err != nil {
		self = "p2pchord"
	}
	n := d.alive()[0]
	d.say("keep", "the ring keeps running; to use one of its nodes:")
	d.detail("%s ls --data %s", self, n.data)
	d.detail("%s shell --data %s", self, n.data)
	d.say("keep", "to join it from elsewhere on this machine:")
	d.detail("%s node --data DIR --bootstrap %s", self, d.boot.addr)
	d.say("keep", "to stop it:")
	pids := fmt.Sprint(d.boot.cmd.Process.Pid)
	for _, x := range d.alive() {
		pids += fmt.Sprintf(" %d", x.process.cmd.Process.Pid)
	}
	d.detail("kill -KILL %s; rm -r %s", pids, filepath.Clean(d.dir))
}

// cleanUp ends all processes and removes all files of the demo.
func (d *demo) cleanUp() error {
	var all []*process
	for _, n := range d.nodes {
		if n.client != nil {
			_ = n.client.Close() // it only drops connections
		}
		all = append(all, n.process)
	}
	if d.boot != nil {
		all = append(all, d.boot)
	}
	for _, p := range all {
		_ = p.cmd.Process.Kill() // it may have ended
	}
	for _, p := range all {
		<-p.exited
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fault.New(fault.Failed, "can't remove the demo's folder: %w", err)
	}
	return nil
}
