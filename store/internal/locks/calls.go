package locks

import "sync"

// Calls counts the calls that are in progress, so that Close waits for them and later ones are
// refused. The zero value is ready.
type Calls struct {
	mu     sync.Mutex
	inside int
	closed bool
	idle   chan struct{} // closed when closed and nobody is inside
}

// Enter admits a call, which must Leave; false once closed.
func (c *Calls) Enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.inside++
	return true
}

// Leave ends a call that Enter admitted.
func (c *Calls) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inside--; c.closed && c.inside == 0 {
		close(c.idle)
	}
}

// IsClosed reports whether later calls are refused.
func (c *Calls) IsClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Close refuses later calls and waits for those inside; false when it was closed already.
func (c *Calls) Close() bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.closed = true
	c.idle = make(chan struct{})
	if c.inside == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	<-c.idle
	return true
}
