package joining

import (
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	libp2pnet "github.com/libp2p/go-libp2p/core/network"
	"golang.org/x/sync/semaphore"

	"github.com/p2pchord/p2pchord/internal/contain"
	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/membership"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

var log = golog.Logger("p2pchord/joining")

// maxAtOnce bounds the newcomers that are answered at once; others are reset.
const maxAtOnce = 16

// Server answers newcomers at a host.
type Server struct {
	host    host.Host
	network *membership.Network
	now     func() time.Time
	room    *semaphore.Weighted

	mu     sync.Mutex // guards closed, and the first Add of wg
	closed bool
	wg     sync.WaitGroup
}

// Serve answers newcomers at h, which the host has to let open streams of ID, and members that ask
// for data keys, until Close.
func Serve(h host.Host, n *membership.Network) *Server {
	s := &Server{host: h, network: n, now: time.Now, room: semaphore.NewWeighted(maxAtOnce)}
	h.SetStreamHandler(ID, s.handle)
	h.SetStreamHandler(KeysID, s.handleKeys)
	return s
}

// Close stops answering, and waits for the answers that are under way.
func (s *Server) Close() error {
	s.host.RemoveStreamHandler(ID)
	s.host.RemoveStreamHandler(KeysID)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.room.TryAcquire(1) {
		return false
	}
	s.wg.Add(1)
	return true
}

func (s *Server) handle(stream libp2pnet.Stream) {
	if !s.begin() {
		_ = stream.Reset() // the newcomer tries again, or somebody else
		return
	}
	defer s.wg.Done()
	defer s.room.Release(1)
	err := contain.Run("answering a newcomer", func() error { return s.answer(newLink(stream)) })
	if err != nil {
		log.Debugw("a newcomer was not answered", "peer", stream.Conn().RemotePeer(), "err", err)
		_ = stream.Reset() // the cause is logged
		return
	}
	_ = stream.Close() // everything was sent
}

// answer answers the two requests of a newcomer.
func (s *Server) answer(l link) error {
	if err := l.within(requestTime); err != nil {
		return err
	}
	first := new(pb.JoinRequest)
	if err := l.read(first, maxRequest); err != nil {
		return err
	}
	newcomer := l.Conn().RemotePeer()
	offer, err := s.network.Offer(newcomer, first.GetHint(), first.GetProof(), s.now())
	if err != nil || len(first.GetGrant()) > 0 {
		return l.write(refusal(err))
	}
	if err := l.write(&pb.JoinResponse{Statements: offer}); err != nil {
		return err
	}
	second := new(pb.JoinRequest)
	if err := l.read(second, maxRequest); err != nil {
		return err
	}
	all, err := s.network.Admit(newcomer, second.GetGrant(), s.now())
	if err != nil {
		return l.write(refusal(err))
	}
	log.Infow("a machine joined the network", "peer", newcomer)
	if err := l.within(networkTime); err != nil {
		return err
	}
	keys, err := s.network.SealKeys(newcomer, s.now())
	if err != nil {
		log.Debugw("the newcomer gets no data keys here", "peer", newcomer, "err", err)
	}
	return l.write(&pb.JoinResponse{Statements: all, SealedKeys: keys})
}

// refusal tells the holder of a code why it doesn't let in, and others nothing.
func refusal(err error) *pb.JoinResponse {
	code, message := fault.NotFound, ""
	switch c := fault.CodeOf(err); {
	case err == nil:
		code = fault.Usage
	case c == fault.NotAllowed || c == fault.NoSpace || c == fault.TryAgain:
		code, message = c, err.Error()
	case c != fault.NotFound:
		code = fault.Failed
	}
	return &pb.JoinResponse{Status: code.Wire(), Message: message}
}
