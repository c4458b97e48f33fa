package runtime

import (
	"sync"
	"time"
)

// An idle tells when nothing was busy for some time. The zero time is never.
type idle struct {
	over <-chan struct{} // closed then

	after  time.Duration
	mu     sync.Mutex
	busies int
	timer  *time.Timer
}

func newIdle(after time.Duration) *idle {
	over := make(chan struct{})
	i := &idle{after: after, over: over}
	if after > 0 {
		i.timer = time.AfterFunc(after, sync.OnceFunc(func() { close(over) }))
	}
	return i
}

// busy has the time begin anew once all who are busy are done.
func (i *idle) busy() (done func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.busies++
	if i.timer != nil {
		i.timer.Stop()
	}
	return sync.OnceFunc(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.busies--; i.busies == 0 && i.timer != nil {
			i.timer.Reset(i.after)
		}
	})
}

func (i *idle) stop() {
	if i.timer != nil {
		i.timer.Stop()
	}
}
