package bootstrap

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/p2pchord/p2pchord/bootstrap/roster"
	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/protocol"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// maxRosterFile bounds, in bytes, what is read as a roster.
const maxRosterFile = roster.MaxRemembered * protocol.MaxPeer

func (p *Peer) rosterPath() string { return filepath.Join(p.cfg.Data, rosterName) }

// save keeps the members on disk, with their signed addresses, if they have changed.
func (p *Peer) save() error {
	p.mu.Lock()
	if !p.dirty {
		p.mu.Unlock()
		return nil
	}
	p.dirty = false
	lasting := p.roster.Lasting()
	p.mu.Unlock()

	out := &pb.Roster{}
	for _, i := range lasting {
		out.Peers = append(out.Peers, i.Message)
	}
	data, err := proto.Marshal(out)
	if err == nil {
		err = durable.WriteFile(p.rosterPath(), data, 0o600)
	}
	if err != nil {
		p.mu.Lock()
		p.dirty = true
		p.mu.Unlock()
		return fault.New(fault.Failed, "can't keep the roster: %w", err)
	}
	return nil
}

// loadRoster reads the members of an earlier run. They are a hint and were signed by themselves:
// what can't be read or verified is left out, and who isn't in the ring any more.
func loadRoster(path string, in protocol.Ring) []protocol.PeerInfo {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var data []byte
	if err == nil && st.Size() <= maxRosterFile {
		data, err = os.ReadFile(path)
	}
	kept := &pb.Roster{}
	if err == nil {
		err = proto.Unmarshal(data, kept)
	}
	if err != nil {
		log.Errorw("the members of the last run are not known: the file can't be read", "path", path, "err", err)
		return nil
	}
	var out []protocol.PeerInfo
	for _, m := range kept.GetPeers() {
		if i, err := in.Parse(m); err == nil {
			out = append(out, i)
		}
	}
	return out
}
