package main

import "time"

// peakEvery is the sampling period. The system records the peak itself, so only growth just before
// a process ends is missed.
const peakEvery = 10 * time.Millisecond

// peak records the peak memory of a process until stop.
type peak struct {
	quit chan struct{}
	done chan int64
}

func watchPeak(pid int) *peak {
	p := &peak{quit: make(chan struct{}), done: make(chan int64, 1)}
	go func() {
		tick := time.NewTicker(peakEvery)
		defer tick.Stop()
		var most int64
		for {
			most = max(most, peakOf(pid))
			select {
			case <-tick.C:
			case <-p.quit:
				p.done <- most
				return
			}
		}
	}()
	return p
}

func (p *peak) stop() int64 {
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	n := <-p.done
	p.done <- n
	return n
}
