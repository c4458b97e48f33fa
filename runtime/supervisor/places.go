package supervisor

import (
	"container/list"
	"sync"
)

// places are what a limit of residents leaves. Who starts a process takes one
// and gives it back when the process is gone. Where there is none, the least
// recently used process that may be parked makes room. A nil places has no
// limit. Its methods may be called concurrently; those that take a resident,
// with its mu held, but for clear.
type places struct {
	most int

	mu      sync.Mutex
	taken   int
	leaving int // are being parked to make room
	waiting []chan struct{}
	resting list.List // of *resident: those that may be parked, the least recently used first
}

func newPlaces(most int) *places {
	if most == 0 {
		return nil
	}
	return &places{most: most}
}

// try takes a place if there is one.
func (pl *places) try() bool {
	if pl == nil {
		return true
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.taken >= pl.most {
		return false
	}
	pl.taken++
	return true
}

// take waits for a place; false if over ended first.
func (pl *places) take(over <-chan struct{}) bool {
	if pl == nil {
		return true
	}
	pl.mu.Lock()
	if pl.taken < pl.most {
		pl.taken++
		pl.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	pl.waiting = append(pl.waiting, mine)
	pl.mu.Unlock()
	pl.clear()
	select {
	case <-mine:
		return true
	case <-over:
		pl.withdraw(mine)
		return false
	}
}

// withdraw waits no more.
func (pl *places) withdraw(mine chan struct{}) {
	pl.mu.Lock()
	for i, c := range pl.waiting {
		if c == mine {
			pl.waiting = append(pl.waiting[:i], pl.waiting[i+1:]...)
			pl.mu.Unlock()
			return
		}
	}
	pl.mu.Unlock()
	pl.leave(false) // it was given in the same moment
}

// leave gives a place back; parked says that it was given up for another.
func (pl *places) leave(parked bool) {
	if pl == nil {
		return
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if parked {
		pl.leaving--
	}
	if len(pl.waiting) == 0 {
		pl.taken--
		return
	}
	close(pl.waiting[0])
	pl.waiting = pl.waiting[1:]
}

// rest notes that a process may be parked. It says whether it is to be at once:
// its place is wanted.
func (pl *places) rest(p *resident) (wanted bool) {
	if pl == nil {
		return false
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if len(pl.waiting) > pl.leaving {
		pl.leaving++
		return true
	}
	p.resting = pl.resting.PushBack(p)
	return false
}

// busy notes that a process may not be parked.
func (pl *places) busy(p *resident) {
	if pl == nil {
		return
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if p.resting != nil {
		pl.resting.Remove(p.resting)
		p.resting = nil
	}
}

// clear parks as many processes as are waited for, as far as there are any.
func (pl *places) clear() {
	for {
		pl.mu.Lock()
		first := pl.resting.Front()
		if first == nil || len(pl.waiting) <= pl.leaving {
			pl.mu.Unlock()
			return
		}
		p := first.Value.(*resident)
		pl.resting.Remove(first)
		p.resting = nil
		pl.leaving++
		pl.mu.Unlock()
		if !p.yield() {
			pl.mu.Lock()
			pl.leaving--
			pl.mu.Unlock()
		}
	}
}
