package sim

import (
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/replica"
	"github.com/p2pchord/p2pchord/ring"
)

type (
	getRequest struct {
		name        string
		unconfirmed bool // the reader asks the witness by itself
	}
	confirmRequest struct {
		id      replica.GrantID
		name    string
		version replica.Version // zero for none
	}
	blockRequest struct{ value uint64 }
)

// got is the answer to a get.
type got struct {
	record   *record
	siblings []*record
	holders  []ring.Position
	bytes    bool
	grant    replica.GrantID // set when the witness was not asked
}

// serveGet reads a file's record as its owner; internal/replication/reader.go.
func (p *peer) serveGet(t *process, r getRequest) (any, error) {
	s, standing, grant, err := p.forReader(t, r)
	if err != nil {
		return nil, err
	}
	if len(standing) == 0 || standing[0].deleted() {
		if s.grants.Degraded {
			return nil, fault.TryAgain // another may have it
		}
		return nil, fault.NotFound
	}
	k := standing[0]
	return got{record: k, siblings: standing[1:], holders: p.holders(s, k), bytes: p.disk.bytes[k.value], grant: grant}, nil
}

// forReader returns what confirmed does, or, to a reader that asks the witness by itself, what there is; internal/replication/reader.go.
func (p *peer) forReader(t *process, r getRequest) (s *snapshot, standing []*record, grant replica.GrantID, err error) {
	if r.unconfirmed {
		if s, err = p.serving(t, ring.Hash(r.name)); err != nil {
			return nil, nil, grant, err
		}
		standing = p.disk.standing(r.name)
		if len(standing) > 0 && !standing[0].deleted() && !s.grants.Alone() {
			return s, standing, s.grants.Grant.ID, nil
		}
	}
	s, standing, err = p.confirmed(t, r.name)
	return s, standing, grant, err
}

// confirmed returns the records of a file as they stood at a moment after the call at
// which this node was the owner; internal/replication/reader.go.
func (p *peer) confirmed(t *process, name string) (*snapshot, []*record, error) {
	until := p.world.now + timeout
	key := ring.Hash(name)
	for {
		s, err := p.serving(t, key)
		if err != nil {
			return nil, nil, err
		}
		standing := p.disk.standing(name)
		if s.grants.Alone() || p.world.planted.readAlone {
			return s, standing, nil
		}
		err = p.confirm(t, s, name, standing, until)
		if err == nil && p.stillServing(s, key) {
			return s, standing, nil
		}
		if err != nil {
			p.unwitnessed(s, err)
		}
		if !t.changed(s, until) {
			return nil, nil, fault.TryAgain
		}
	}
}

// confirm asks the witness, and hands it the version first when it lacks it.
func (p *peer) confirm(t *process, s *snapshot, name string, standing []*record, until moment) error {
	g := s.grants.Grant
	c := confirmRequest{id: g.ID, name: name}
	if len(standing) > 0 {
		c.version = standing[0].Version
	}
	need, err := t.call(g.From.ID, c, until)
	if err != nil || !need.(bool) { //nolint:forcetypeassert // see handleFile
		return err
	}
	err = p.sendStore(t, g.From.ID, standing[0], &g.ID)
	if fault.CodeOf(err) == fault.NoSpace {
		_, err = t.call(g.From.ID, storeRequest{record: standing[0], grant: &g.ID, recordOnly: true}, until)
	}
	return err
}

// serveConfirm tells an owner whether its grant still stands, and whether the version is known here; internal/replication/holder.go.
func (p *peer) serveConfirm(from ring.Position, r confirmRequest) (any, error) {
	if err := p.mayWitness(from, ring.Hash(r.name), &r.id); err != nil {
		return nil, err
	}
	need := false
	if !r.version.IsZero() {
		standing := p.disk.standing(r.name)
		need = len(standing) == 0 || standing[0].Version.Compare(r.version) < 0
	}
	return need, nil
}

// serveBlock reads a block.
func (p *peer) serveBlock(r blockRequest) error {
	if !p.disk.bytes[r.value] {
		return fault.NotFound
	}
	return nil
}

// hedge is after how long another holder is asked for a block.
const hedge = 500 * millisecond

// block gets a record's bytes from any of its holders, those given first; node/fetch.go.
func (p *peer) block(t *process, key ring.Key, value uint64, near []ring.ID) error {
	w := p.world
	until := w.now + timeout
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		tried := []ring.ID{p.at.ID}
		if to, ok := p.guess(key); ok {
			near = append(near, to)
		}
		for round := range 2 {
			if round == 1 {
				f, err := p.locate(t, key)
				if err != nil {
					continue
				}
				near = append(near, f.owner.ID)
				for _, list := range [][]ring.Position{f.state.Preds, f.state.Succs} {
					for _, q := range list[:min(len(list), maxCopies)] {
						near = append(near, q.ID)
					}
				}
			}
			for _, q := range near {
				if contains(tried, q) {
					continue
				}
				tried = append(tried, q)
				if _, err := t.call(q, blockRequest{value}, w.now+hedge); err == nil {
					return nil
				}
			}
		}
		if w.now > until {
			return fault.TryAgain
		}
		near = nil
		t.sleep(pause)
	}
}

func contains(ids []ring.ID, id ring.ID) bool {
	for _, q := range ids {
		if q == id {
			return true
		}
	}
	return false
}
