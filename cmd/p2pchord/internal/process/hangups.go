package process

import (
	"os"
	"os/signal"
	"syscall"
)

// OnHangup calls f for each SIGHUP until stop is called.
func OnHangup(f func()) (stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-c:
				f()
			case <-ended:
				return
			}
		}
	}()
	return func() {
		signal.Stop(c)
		close(ended)
		<-stopped
	}
}
