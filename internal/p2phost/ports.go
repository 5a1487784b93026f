package p2phost

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/peeraddr"
)

const (
	// maxPortFile bounds, in bytes, what is read as a port file.
	maxPortFile = 64 << 10
	// maxPortEntries bounds the listen addresses that it remembers.
	maxPortEntries = 64
)

// chosenPorts are the free ports that were chosen in earlier runs, by the listen address with port 0 that asked for one. An
// address that was given several times has several.
type chosenPorts map[string][]int

// portFile is the file in which a host remembers the ports that were chosen for it, here and by the router. It is safe for
// concurrent use. A nil one remembers nothing.
type portFile struct {
	path     string // empty to keep nothing
	readOnly bool

	mu    sync.Mutex
	ports chosenPorts
}

func openPortFile(cfg Config) *portFile {
	return &portFile{path: cfg.PortFile, readOnly: cfg.PortFileReadOnly, ports: loadPorts(cfg.PortFile)}
}

// chosen returns the ports as they are remembered now.
func (f *portFile) chosen() chosenPorts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ports
}

// keep remembers ports in the place of those there are. A failure costs only the address at the next start.
func (f *portFile) keep(now chosenPorts) {
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

// outsideKey is the name of a port of this machine among the remembered ones, for the number that the router gave it.
func outsideKey(p port) string { return "outside/" + p.protocol + "/" + strconv.Itoa(p.number) }

// outside is the number that the router gave a port in an earlier run; 0 when it gave the same, or none.
func (f *portFile) outside(p port) int {
	if f == nil {
		return 0
	}
	if list := f.chosen()[outsideKey(p)]; len(list) > 0 {
		return list[0]
	}
	return 0
}

// keepOutside remembers the numbers that the router gave.
func (f *portFile) keepOutside(opened map[port]netip.AddrPort) {
	if f == nil {
		return
	}
	now := maps.Clone(f.chosen())
	if now == nil {
		now = make(chosenPorts)
	}
	for p, outside := range opened {
		delete(now, outsideKey(p))
		if number := int(outside.Port()); number != p.number && len(now) < maxPortEntries {
			now[outsideKey(p)] = []int{number}
		}
	}
	f.keep(now)
}

// loadPorts reads the ports remembered at path. They are a hint: what can't be read is left out.
func loadPorts(path string) chosenPorts {
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
	var ports chosenPorts
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
func (c chosenPorts) save(path string, there chosenPorts) error {
	if path == "" || maps.EqualFunc(c, there, slices.Equal) {
		return nil
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, append(data, '\n'), 0o600)
}

// with returns the ports after a start: those on which h listens where asked has port 0, and what earlier runs chose for
// other addresses.
func (c chosenPorts) with(asked []ma.Multiaddr, h host.Host) chosenPorts {
	now := make(chosenPorts)
	listens := h.Network().ListenAddresses()
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

// one returns the number that was chosen for the first of addrs that has one, for all of them together.
func (c chosenPorts) one(addrs []ma.Multiaddr) (port int, ok bool) {
	for _, a := range addrs {
		if list := c[a.String()]; len(list) > 0 {
			return list[0], true
		}
	}
	return 0, false
}

// apply returns addrs with the remembered numbers in the place of port 0, as far as they are free; another may be
// chosen for the rest. The claims are held until the host listens.
func (c chosenPorts) apply(addrs []ma.Multiaddr) (out []ma.Multiaddr, held claims) {
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

// claims keep two processes with the same remembered TCP port, as two copies of one data folder have, from taking it at the
// same moment: libp2p's TCP listeners share a port silently. A claim is the UDP port of the same number.
type claims []io.Closer

// add claims the port of a TCP address; a UDP port is exclusive by itself. It reports whether nobody else has claimed it.
func (c *claims) add(a ma.Multiaddr) bool {
	ip, ok := peeraddr.IP(a)
	port, has := peeraddr.Port(a)
	if !ok || !has || a[1].Code() != ma.P_TCP {
		return true
	}
	held, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port)))) //nolint:gosec // checked by loadPorts
	if err != nil {
		return false
	}
	*c = append(*c, held)
	return true
}

// release gives the claims up.
func (c claims) release() {
	for _, held := range c {
		_ = held.Close() // nothing was sent
	}
}
