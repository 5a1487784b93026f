package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/internal/fault"
)

const (
	demoNodes = 5
	// demoStep bounds each step of the demo.
	demoStep = 30 * time.Second
	// demoHeartbeat is shorter than a ring's on a real network: here nothing is far.
	demoHeartbeat = "1s"
)

func (a *app) demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo [FILE...]",
		Short: "Show what p2pchord does, on this machine alone",
		Long: `Start a bootstrap peer and five nodes on this machine, each a process of its own with
a folder of its own; put the FILEs given, or samples; get them through other peers and
compare; kill the owner of one; get them again. It says what it does, and cleans up.`,
		Example: example("p2pchord demo", "p2pchord demo holiday.jpg", "p2pchord demo --keep"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showErrors(a.runDemo(cmd.Context(), args, keep))
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave it running, and say how to use and to stop it")
	return cmd
}

func (a *app) runDemo(ctx context.Context, files []string, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "p2pchord-demo-")
	if err != nil {
		return fault.New(fault.Failed, "can't make a folder for the demo: %w", err)
	}
	d := &demo{app: a, dir: dir, keep: keep, begun: time.Now()}
	defer func() {
		if keep && err == nil {
			return
		}
		if cerr := d.cleanUp(); err == nil {
			err = cerr
		}
	}()
	if d.files, err = d.choose(files); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		d.start, d.showRing, d.putAll, d.getAll, d.killOwner, d.getAllAgain, d.repaired, d.showRing,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.say("done", "all of it worked, in %v: what was put at one peer came back, byte for byte, from others, and the crash of a peer lost nothing.",
		time.Since(d.begun).Round(100*time.Millisecond))
	if keep {
		d.howToUse()
	}
	return nil
}

// demo is one run of the demo.
type demo struct {
	app   *app
	dir   string
	keep  bool
	begun time.Time
	files []demoFile
	boot  *peerProcess
	nodes []*demoNode
	dead  *demoNode
}

// demoLine is the JSON of one thing that the demo says.
type demoLine struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
}

// say tells what was done.
func (d *demo) say(step, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if d.app.json {
		d.app.out.Object(demoLine{step, time.Since(d.begun).Seconds(), text})
		return
	}
	d.app.out.Line("%5.1fs  %s", time.Since(d.begun).Seconds(), text)
}

// detail tells more about it, to people only.
func (d *demo) detail(format string, args ...any) {
	if !d.app.json {
		d.app.out.Line("        "+format, args...)
	}
}

func (d *demo) showRing(ctx context.Context) error {
	if d.dead == nil {
		d.say("ring", "the ring, in order; each peer owns the keys up to its own, from its predecessor's on:")
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

// howToUse says what can be done with a demo that was left running.
func (d *demo) howToUse() {
	self, err := os.Executable()
	if err != nil {
		self = "p2pchord"
	}
	n := d.alive()[0]
	d.say("keep", "it is left running; to use one of its nodes:")
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
	var all []*peerProcess
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
