package locks

import "sync"

// Hashes has a lock for each hash that is in use: code that changes the file of a block holds
// its lock. The zero value is ready.
type Hashes struct {
	mu    sync.Mutex
	locks map[[32]byte]*hashLock
}

type hashLock struct {
	mu    sync.Mutex
	users int
}

// Lock waits for the lock of h.
func (l *Hashes) Lock(h [32]byte) {
	l.mu.Lock()
	if l.locks == nil {
		l.locks = map[[32]byte]*hashLock{}
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

// TryLock takes the lock only when nobody has it or waits for it.
func (l *Hashes) TryLock(h [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locks[h] != nil {
		return false
	}
	if l.locks == nil {
		l.locks = map[[32]byte]*hashLock{}
	}
	k := &hashLock{users: 1}
	k.mu.Lock()
	l.locks[h] = k
	return true
}

// Unlock gives the lock of h back.
func (l *Hashes) Unlock(h [32]byte) {
	l.mu.Lock()
	k := l.locks[h]
	if k.users--; k.users == 0 {
		delete(l.locks, h)
	}
	l.mu.Unlock()
	k.mu.Unlock()
}
