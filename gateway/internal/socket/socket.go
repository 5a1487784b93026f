package socket

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"
)

// CheckInterval is how often Watch checks whether the socket is still there.
const CheckInterval = 2 * time.Second

// Socket is the socket on which a server listens. If its name is removed, for instance by a program
// that cleans up folders for temporary files, nobody can reach it any more; Watch then opens
// another one.
type Socket struct {
	path string // where callers look

	mu       sync.Mutex
	place    string // where the socket is
	listener net.Listener
	closed   bool
}

// Open opens the socket of path.
func Open(path string) (*Socket, error) {
	l, place, err := listen(path)
	if err != nil {
		return nil, err
	}
	return &Socket{path: path, place: place, listener: l}, nil
}

// Listener returns the listener. Its connections take files that are handed over.
func (s *Socket) Listener() net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return takingFiles(s.listener)
}

// Watch opens the socket again when it has gone and calls serve with the new listener, until ctx
// ends.
func (s *Socket) Watch(ctx context.Context, serve func(net.Listener)) {
	tick := time.NewTicker(CheckInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.reopen() {
			serve(s.Listener())
		}
	}
}

// reopen opens the socket again if it has gone, and reports whether it did.
func (s *Socket) reopen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.gone() {
		return false
	}
	l, place, err := listen(s.path)
	if err != nil {
		return false // the folder has gone, perhaps with its disk: the next check tries again
	}
	old := s.listener
	s.place, s.listener = place, l
	_ = old.Close() // nobody finds it any more
	return true
}

// gone reports whether callers can't find the socket.
func (s *Socket) gone() bool {
	_, err := os.Lstat(s.place)
	return errors.Is(err, fs.ErrNotExist) || s.place != s.path && placeOf(s.path) != s.place
}

// Close removes the socket. Connections that were accepted stay open.
func (s *Socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = os.Remove(s.place) // it has gone, or is replaced as stale later
	_ = s.listener.Close()
}
