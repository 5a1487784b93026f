package listen

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"

	golog "github.com/ipfs/go-log/v2"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
	"github.com/p2pchord/p2pchord/internal/portmap"
)

var log = golog.Logger("p2pchord/host")

const (
	// maxPortFile bounds, in bytes, what is read as a port file.
	maxPortFile = 64 << 10
	// maxPortEntries bounds the listen addresses that it remembers.
	maxPortEntries = 64
)

// Ports are the free ports that were chosen in earlier runs, by the listen address with port 0 that
// asked for one. An address that was given several times has several.
type Ports map[string][]int

// PortFile is the file in which a host remembers the ports that were chosen for it, here and by the
// router. It is safe for concurrent use. It is a portmap.Memory.
type PortFile struct {
	path     string // empty to keep nothing
	readOnly bool

	mu    sync.Mutex
	ports Ports
}

var _ portmap.Memory = (*PortFile)(nil)

// OpenPortFile reads the file at path; an empty path remembers nothing. One that is read only stays
// as it is.
func OpenPortFile(path string, readOnly bool) *PortFile {
	return &PortFile{path: path, readOnly: readOnly, ports: load(path)}
}

// Ports returns the ports as they are remembered now.
func (f *PortFile) Ports() Ports {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ports
}

// Keep remembers the ports on which a host listens after a start that asked for addresses.
func (f *PortFile) Keep(asked, listens []ma.Multiaddr) { f.replace(f.Ports().with(asked, listens)) }

// replace remembers ports in the place of those there are. A failure costs only the address at the
// next start.
func (f *PortFile) replace(now Ports) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.ports
	f.ports = now
	if f.readOnly {
		return
	}
	if err := now.save(f.path, was); err != nil {
		log.Warnw("the ports can't be remembered; the next start may choose others", "path", f.path, "err", err)
	}
}

// externalKey is the key in the file of a port of this machine, for the number that the router gave
// it.
func externalKey(p portmap.Port) string {
	return "outside/" + p.Protocol + "/" + strconv.Itoa(p.Number)
}

// External returns the number that the router gave a port in an earlier run; 0 when it gave the
// same number, or none.
func (f *PortFile) External(p portmap.Port) int {
	if list := f.Ports()[externalKey(p)]; len(list) > 0 {
		return list[0]
	}
	return 0
}

// SetExternal remembers the numbers that the router gave.
func (f *PortFile) SetExternal(opened map[portmap.Port]netip.AddrPort) {
	now := maps.Clone(f.Ports())
	if now == nil {
		now = make(Ports)
	}
	for p, external := range opened {
		delete(now, externalKey(p))
		if number := int(external.Port()); number != p.Number && len(now) < maxPortEntries {
			now[externalKey(p)] = []int{number}
		}
	}
	f.replace(now)
}

// load reads the ports remembered at path. They are a hint: what can't be read is left out.
func load(path string) Ports {
	if path == "" {
		return nil
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var data []byte
	if err == nil && st.Size() <= maxPortFile {
		data, err = os.ReadFile(path)
	}
	var ports Ports
	if err == nil {
		err = json.Unmarshal(data, &ports)
	}
	if err != nil {
		log.Warnw("the ports of earlier runs can't be read; others are chosen", "path", path, "err", err)
		return nil
	}
	for a, list := range ports {
		ports[a] = slices.DeleteFunc(list, func(p int) bool { return p < 1 || p > 65535 })
	}
	return ports
}

// save writes the ports to path when they differ from what is there.
func (c Ports) save(path string, there Ports) error {
	if path == "" || maps.EqualFunc(c, there, slices.Equal) {
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, append(data, '\n'), 0o600)
}

// with returns the ports after a start: those on which the host listens where asked has port 0, and
// what earlier runs chose for other addresses.
func (c Ports) with(asked, listens []ma.Multiaddr) Ports {
	now := make(Ports)
	for _, a := range asked {
		if port, ok := peeraddr.Port(a); !ok || port != 0 {
			continue
		}
		key := a.String()
		for i, l := range listens {
			if port, ok := peeraddr.Port(l); ok && peeraddr.WithPort(a, port).Equal(l) {
				now[key] = append(now[key], port)
				listens = slices.Delete(slices.Clone(listens), i, i+1)
				break
			}
		}
	}
	for key, list := range c {
		if _, ok := now[key]; !ok && len(now) < maxPortEntries {
			now[key] = list
		}
	}
	return now
}

// one returns the number that was chosen for the first of addrs that has one, for all of them
// together.
func (c Ports) one(addrs []ma.Multiaddr) (port int, ok bool) {
	for _, a := range addrs {
		if list := c[a.String()]; len(list) > 0 {
			return list[0], true
		}
	}
	return 0, false
}

// apply returns addrs with the remembered numbers in the place of port 0, as far as they are free.
// Another may be chosen for the rest. The claims are held until the host listens.
func (c Ports) apply(addrs []ma.Multiaddr) (out []ma.Multiaddr, held Claims) {
	out = slices.Clone(addrs)
	used := make(map[string]int)
	for i, a := range addrs {
		key := a.String()
		list := c[key]
		if port, _ := peeraddr.Port(a); port != 0 || used[key] >= len(list) {
			continue
		}
		with := peeraddr.WithPort(a, list[used[key]])
		used[key]++
		if slices.ContainsFunc(out, with.Equal) {
			continue
		}
		if held.add(with) && probe(with) == nil {
			out[i] = with
		}
	}
	return out, held
}
