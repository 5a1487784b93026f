package gateway

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"
)

// lookAtSocket is how often the server looks whether its socket is still there.
const lookAtSocket = 2 * time.Second

// sockets are the listeners of a server, and where they are. A socket whose name was removed, by
// what cleans up folders for temporary files, can't be reached any more: another takes its place.
type sockets struct {
	path  string // where callers look
	mu    sync.Mutex
	place string // where it is
	now   net.Listener
	shut  bool
}

func openSockets(path string) (*sockets, error) {
	l, place, err := listen(path)
	if err != nil {
		return nil, err
	}
	return &sockets{path: path, place: place, now: l}, nil
}

// watch makes the socket again when it has gone, and has serve serve the new one, until ctx ends.
func (s *sockets) watch(ctx context.Context, serve func(net.Listener)) {
	tick := time.NewTicker(lookAtSocket)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l := s.remake(); l != nil {
			serve(l)
		}
	}
}

// remake returns a new listener if the socket has gone and can be made again.
func (s *sockets) remake() net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut || !s.gone() {
		return nil
	}
	l, place, err := listen(s.path)
	if err != nil {
		return nil // the folder is away, say with its disk: the next look tries again
	}
	old := s.now
	s.place, s.now = place, l
	_ = old.Close() // nobody finds it any more
	return l
}

// gone reports whether callers don't find the socket.
func (s *sockets) gone() bool {
	_, err := os.Lstat(s.place)
	return errors.Is(err, fs.ErrNotExist) || s.place != s.path && placeOf(s.path) != s.place
}

// withdraw takes the socket away: nobody new is answered.
func (s *sockets) withdraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	_ = os.Remove(s.place) // gone already, or replaced as stale later
	_ = s.now.Close()
}
