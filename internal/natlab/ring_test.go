//go:build linux

package natlab

import (
	"crypto/md5" //nolint:gosec // the ring's keys are MD5's last two bytes
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/p2pchord/p2pchord/gateway/client"
	"github.com/p2pchord/p2pchord/node"
)

// The ring addresses of two nodes next to each other: the second owns every key but one, so what
// the first puts or gets comes over the network, all of it.
var (
	firstAddress  = "home:1"
	secondAddress = besideOf(firstAddress)
)

func keyOf(address string) uint16 {
	sum := md5.Sum([]byte(strings.ReplaceAll(address, ":", ""))) //nolint:gosec // as above
	return binary.BigEndian.Uint16(sum[14:])
}

// besideOf finds the ring address one place before address.
func besideOf(address string) string {
	for i := 0; ; i++ {
		if a := "beside" + strconv.Itoa(i) + ":1"; keyOf(a)+1 == keyOf(address) {
			return a
		}
	}
}

// bootstrapPort is where bootstrap peers of the tests listen: the default.
const bootstrapPort = "4700"

// startBootstrap runs a bootstrap peer on a machine of the public network.
func startBootstrap(t *testing.T, h *Host, more ...string) *process {
	t.Helper()
	return start(t, h, append([]string{"bootstrap"}, more...)...)
}

// startNode runs a node that knows a bootstrap peer by its address over QUIC and over TCP.
func startNode(t *testing.T, h *Host, boot *process, more ...string) *process {
	t.Helper()
	return start(t, h, nodeArgs(h, boot, more...)...)
}

// nodeArgs are the arguments of a node on h; nil has IPv4.
func nodeArgs(h *Host, boot *process, more ...string) []string {
	prefix := "/ip4/" + boot.host.IP4()
	if h != nil && h.family&IPv4 == 0 {
		prefix = "/ip6/" + boot.host.IP6()
	}
	id := boot.addrs[0][strings.LastIndex(boot.addrs[0], "/")+1:]
	return append([]string{
		"node", "--mdns=false", "--no-prompt",
		"--bootstrap", prefix + "/udp/" + bootstrapPort + "/quic-v1/p2p/" + id,
		"--bootstrap", prefix + "/tcp/" + bootstrapPort + "/p2p/" + id,
	}, more...)
}

// direct waits until a node has a direct connection to so many peers and none through a relay only.
func (p *process) direct(limit time.Duration, peers int) time.Duration {
	p.t.Helper()
	return p.within(limit, fmt.Sprintf("%d direct connections", peers), func() error {
		st, err := p.status()
		if err == nil && (st.Network.DirectPeers != peers || st.Network.RelayedPeers != 0) {
			err = fmt.Errorf("%+v", st.Network)
		}
		return err
	})
}

// whole waits until a node says that the ring is right and has so many members.
func (p *process) whole(limit time.Duration, members int) time.Duration {
	p.t.Helper()
	return p.within(limit, fmt.Sprintf("a ring of %d", members), func() error {
		st, err := p.status()
		if err != nil {
			return err
		}
		if !st.Ring.OK {
			return errors.New(strings.Join(st.Ring.Problems, "; "))
		}
		out, _, err := p.verb("ring", "--json")
		if n := strings.Count(out, "\n"); err == nil && n != members {
			err = fmt.Errorf("%d members", n)
		}
		return err
	})
}

// transfer is one file of random bytes.
type transfer struct {
	name, path string
	size       int64
	sum        [sha256.Size]byte
}

func newTransfer(t *testing.T, name string, size int64) *transfer {
	t.Helper()
	x := &transfer{name: name, size: size, path: filepath.Join(t.TempDir(), "source")}
	f, err := os.Create(x.path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, h), rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%32s", name))[:32])), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	x.sum = [sha256.Size]byte(h.Sum(nil))
	return x
}

// put stores the file at a node, in one copy, and returns how long that took and the paths that the
// progress line named.
func (x *transfer) put(p *process) (time.Duration, string) {
	p.t.Helper()
	began := time.Now()
	_, errs, err := p.verb("put", x.path, "--name", x.name, "--copies", "1", "--progress", "on")
	if err != nil {
		p.t.Fatal(err)
	}
	return time.Since(began), paths(errs)
}

// get fetches the file at a node and compares it.
func (x *transfer) get(p *process) (time.Duration, string) {
	p.t.Helper()
	to := filepath.Join(p.t.TempDir(), "got")
	began := time.Now()
	_, errs, err := p.verb("get", x.name, "-o", to, "--progress", "on")
	took := time.Since(began)
	if err == nil {
		err = x.same(to)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return took, paths(errs)
}

// same compares what arrived with what was put.
func (x *transfer) same(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if n != x.size || [sha256.Size]byte(h.Sum(nil)) != x.sum {
		return fmt.Errorf("%d bytes arrived that are not the %d that were put", n, x.size)
	}
	return nil
}

// rate is the throughput in megabytes per second.
func (x *transfer) rate(took time.Duration) string {
	return fmt.Sprintf("%.0f MB/s", float64(x.size)/1e6/took.Seconds())
}

// paths are the words for a path that stand in a progress line.
func paths(s string) string {
	var out []string
	for _, word := range []string{"direct", "relayed"} {
		if strings.Contains(s, word) {
			out = append(out, word)
		}
	}
	return strings.Join(out, "+")
}

// putFile stores the file in one copy, over the node's API.
func (p *process) putFile(api *client.Client, x *transfer, progress func(node.Progress)) error {
	f, err := os.Open(x.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	_, err = api.Put(p.t.Context(), x.name, f, node.PutOptions{Size: x.size, Copies: 1, Progress: progress})
	return err
}

// getFile fetches a file to a path, over the node's API.
func (p *process) getFile(api *client.Client, name, to string, progress func(node.Progress)) error {
	f, err := api.Get(p.t.Context(), name, node.GetOptions{})
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(&counted{w: out, progress: progress}, f)
	return errors.Join(err, f.Close(), out.Close())
}

// counted tells how much has been written.
type counted struct {
	w        io.Writer
	n        int64
	progress func(node.Progress)
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.progress(node.Progress{Done: c.n})
	return n, err
}
