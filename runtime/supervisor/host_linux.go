package supervisor

import (
	"context"
	goruntime "runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// away is how long nobody may have awaited answers before the first watcher's
// thread takes its work up again.
const away = 20 * time.Millisecond

// run is the watcher's thread. It stands by while somebody else does the work.
func (w *watcher) run() {
	goruntime.LockOSThread() // never unlocked: its affinity is its own
	pinThread(w.core)
	defer w.end()
	for w.work() {
		w.standBy()
	}
}

// work does the work until somebody wants to, or none is left for ever.
func (w *watcher) work() (more bool) {
	w.own.Lock()
	defer w.own.Unlock()
	for !w.closed || len(w.conns) > 1 {
		if w.wanted.Load() {
			return true
		}
		if !w.round() && !w.linger(w.some.Load) {
			w.sleep()
		}
	}
	return false
}

// standBy returns when whoever does the work seems to be away.
func (w *watcher) standBy() {
	t := time.NewTimer(away)
	defer t.Stop()
	for served := int64(-1); ; served = w.served.Load() {
		if served == w.served.Load() && w.own.TryLock() {
			w.own.Unlock()
			return
		}
		select {
		case <-w.hurry:
			return
		case <-t.C:
			t.Reset(away)
		}
	}
}

// resume makes the thread take up its work at once.
func (w *watcher) resume() {
	select {
	case w.hurry <- struct{}{}:
	default:
	}
}

// claim takes the work over from the thread; release gives it back, in time.
func (w *watcher) claim() (release func()) {
	if !w.own.TryLock() {
		w.wanted.Store(true)
		w.ring()
		w.own.Lock()
		w.wanted.Store(false)
	}
	goruntime.LockOSThread()
	pinThread(w.core)
	return func() {
		_ = unix.SchedSetaffinity(0, &w.cores)
		goruntime.UnlockOSThread()
		w.served.Add(1)
		w.own.Unlock()
	}
}

// host does the watcher's work until some answers have come, and gives them;
// none once ctx has ended, or where it was only woken.
func (w *watcher) host(ctx context.Context) []agent.Answer {
	in := &w.fleet.inbox
	if !w.some.Load() {
		if list, taken := in.take(); taken {
			return list
		}
	}
	defer w.claim()()
	w.heed(ctx)
	for {
		w.round()
		if list, taken := in.take(); taken {
			return list
		}
		if ctx.Err() != nil {
			return nil
		}
		if !w.linger(func() bool { return in.some.Load() || w.some.Load() }) && in.sleep() {
			w.sleep()
			in.asleep.Store(false)
		}
	}
}

// heed has the end of a context wake who waits for the epoll.
func (w *watcher) heed(ctx context.Context) {
	if ctx == w.heeded {
		return
	}
	if w.ignore != nil {
		w.ignore()
	}
	w.heeded, w.ignore = ctx, context.AfterFunc(ctx, w.ring)
}

// end follows the thread's last work.
func (w *watcher) end() {
	if w.ignore != nil {
		w.ignore()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	_ = unix.Close(w.bell)
	_ = unix.Close(w.epoll)
	close(w.done)
}
