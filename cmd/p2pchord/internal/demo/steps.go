package demo

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"time"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/textfmt"
	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/userfiles"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/node"
)

// putAll puts each file at another peer.
func (d *demo) putAll(ctx context.Context) error {
	for i := range d.files {
		f, n := &d.files[i], d.nodes[i%len(d.nodes)]
		begun := time.Now()
		in, err := f.source.Open(ctx, nil)
		if err != nil {
			return fault.New(fault.Failed, "can't put %s: %w", f.source.Path, err)
		}
		res, err := n.client.Put(ctx, f.source.Name, in, node.PutOptions{Size: f.source.Size, Modified: f.source.Modified, Mode: f.source.Mode})
		_ = in.Close() // it was only read
		if err != nil {
			return fault.New(fault.CodeOf(err), "%s can't put %s: %w", n.name, f.source.Name, err)
		}
		f.owner = res.Owner
		d.say("put", "put %s at %s: key %d, so it belongs to %s; %s are safe already (%s)",
			f.source.Name, n.name, res.Key, d.nameOf(res.Owner), textfmt.Count(res.Copies, "copy", "copies"), rate(res.Size, time.Since(begun)))
	}
	return nil
}

// getAll gets each file through a peer that holds none of its copies, if there is one.
func (d *demo) getAll(ctx context.Context) error {
	for i := range d.files {
		f := &d.files[i]
		st, err := d.nodes[0].client.Stat(ctx, f.source.Name)
		if err != nil {
			return fault.New(fault.CodeOf(err), "can't ask for %s: %w", f.source.Name, err)
		}
		n := d.outsider(st)
		begun := time.Now()
		from, err := d.getOne(ctx, n, f)
		if err != nil {
			return err
		}
		d.say("get", "got %s through %s, from %s: the same bytes (%s)", f.source.Name, n.name, d.namesOf(from), rate(f.source.Size, time.Since(begun)))
	}
	return nil
}

// killOwner ends the owner of the largest file as a crash would.
func (d *demo) killOwner(context.Context) error {
	largest := d.files[0]
	for _, f := range d.files {
		if f.source.Size > largest.source.Size {
			largest = f
		}
	}
	for _, n := range d.nodes {
		if n.client.PeerID() == largest.owner {
			n.process.kill()
			d.dead = n
			d.say("kill", "killed %s, the owner of %s, without warning (SIGKILL)", n.name, largest.source.Name)
			return nil
		}
	}
	return fault.New(fault.Failed, "the owner of %s, %s, is not one of the demo's nodes", largest.source.Name, largest.owner)
}

// getAllAgain gets each file once more, from what is left.
func (d *demo) getAllAgain(ctx context.Context) error {
	killed := time.Now()
	for i := range d.files {
		f, n := &d.files[i], d.alive()[i%len(d.alive())]
		var from []string
		err := d.until(ctx, func() (err error) {
			from, err = d.getOne(ctx, n, f)
			return err
		})
		if err != nil {
			return err
		}
		d.say("get", "got %s through %s, from %s: the same bytes, %v after the crash", f.source.Name, n.name, d.namesOf(from), time.Since(killed).Round(10*time.Millisecond))
	}
	return nil
}

// repaired waits until the lost copies have been made elsewhere.
func (d *demo) repaired(ctx context.Context) error {
	for i := range d.files {
		f := &d.files[i]
		err := d.until(ctx, func() error {
			st, err := d.alive()[0].client.Stat(ctx, f.source.Name)
			if err != nil {
				return err
			}
			whole := 0
			for _, h := range st.Holders {
				if h.Complete && h.PeerID != d.dead.client.PeerID() {
					whole++
				}
			}
			if whole < 3 {
				return fault.New(fault.TryAgain, "%s has %s of 3", f.source.Name, textfmt.Count(whole, "copy", "copies"))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	d.say("repair", "the copies that were lost with %s have been made again: each file is on three peers", d.dead.name)
	return nil
}

// until calls try until it succeeds or the time of a step is over.
func (d *demo) until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, err := io.ReadFull(c.want, c.buf[:len(p)])
	if err != nil || !bytes.Equal(p, c.buf[:n]) {
		return 0, errDiffers
	}
	return len(p), nil
}

// outsider returns a peer that holds nothing of a file, or the last one.
func (d *demo) outsider(st node.FileStat) *demoPeer {
	alive := d.alive()
	for _, n := range alive {
		holds := false
		for _, h := range st.Holders {
			holds = holds || h.PeerID == n.client.PeerID()
		}
		if !holds {
			return n
		}
	}
	return alive[len(alive)-1]
}

// file is a file that the demo puts.
type file struct {
	source userfiles.Source
	owner  string // peer ID
}

// choose returns the files given, or samples.
func (d *demo) choose(files []string) ([]file, error) {
	if len(files) == 0 {
		var err error
		if files, err = makeSamples(filepath.Join(d.dir, "samples")); err != nil {
			return nil, fault.New(fault.Failed, "can't write the samples: %w", err)
		}
	}
	list, err := userfiles.ListSources(files, userfiles.Options{Messages: d.out})
	if err != nil {
		return nil, err
	}
	var chosen []file
	for _, s := range list.Sources {
		if s.Path == "-" {
			return nil, fault.New(fault.Usage, "the demo reads files more than once: it can't take stdin")
		}
		chosen = append(chosen, file{source: s})
	}
	return chosen, nil
}
