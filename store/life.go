package store

import "sync"

// life counts the calls that are inside, so that Close waits for them and later ones are refused.
type life struct {
	mu     sync.Mutex
	inside int
	closed bool
	idle   chan struct{} // closed when closed and nobody is inside
}

// enter admits a call, which must leave; false once closed.
func (l *life) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.inside++
	return true
}

func (l *life) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside--; l.closed && l.inside == 0 {
		close(l.idle)
	}
}

func (l *life) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// close refuses later calls and waits for those inside; false when it was closed already.
func (l *life) close() bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.closed = true
	l.idle = make(chan struct{})
	if l.inside == 0 {
		close(l.idle)
	}
	l.mu.Unlock()
	<-l.idle
	return true
}

// hashLocks has a lock for each hash that is in use: code that changes the file of a block holds
// its lock.
type hashLocks struct {
	mu    sync.Mutex
	locks map[Hash]*hashLock
}

type hashLock struct {
	mu    sync.Mutex
	users int
}

func (l *hashLocks) lock(h Hash) {
	l.mu.Lock()
	if l.locks == nil {
		l.locks = map[Hash]*hashLock{}
	}
	k := l.locks[h]
	if k == nil {
		k = &hashLock{}
		l.locks[h] = k
	}
	k.users++
	l.mu.Unlock()
	k.mu.Lock()
}

// tryLock takes the lock only when nobody has it or waits for it.
func (l *hashLocks) tryLock(h Hash) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locks[h] != nil {
		return false
	}
	if l.locks == nil {
		l.locks = map[Hash]*hashLock{}
	}
	k := &hashLock{users: 1}
	k.mu.Lock()
	l.locks[h] = k
	return true
}

func (l *hashLocks) unlock(h Hash) {
	l.mu.Lock()
	k := l.locks[h]
	if k.users--; k.users == 0 {
		delete(l.locks, h)
	}
	l.mu.Unlock()
	k.mu.Unlock()
}
