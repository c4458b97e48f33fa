package supervisor

import (
	"container/list"
	"slices"
	"sync"
)

// places are what limits of residents and of memory leave. Who starts a process
// takes a place, with the memory that the process may have, and gives it back when
// the process is gone. Where there is none, the least recently used processes that
// may be parked make room. Who waits longest is next, however little another
// wants. A nil places has no limit. Its methods may be called concurrently; those
// that take a resident, with its mu held, but for clear.
type places struct {
	most room // 0 for any number

	mu      sync.Mutex
	taken   room
	leaving room // of those that are being parked to make room
	waiting []*waiter
	resting list.List // of *resident: those that may be parked, the least recently used first
}

// A room is what some processes take.
type room struct {
	processes int
	memory    int64
}

// A waiter wants a place with some memory.
type waiter struct {
	memory int64
	given  chan struct{} // closed when it has it
}

func newPlaces(residents int, memory int64) *places {
	if residents == 0 && memory == 0 {
		return nil
	}
	return &places{most: room{residents, memory}}
}

func (r *room) add(memory int64)    { r.processes++; r.memory += memory }
func (r *room) remove(memory int64) { r.processes--; r.memory -= memory }

// within says whether a room fits into another.
func (r room) within(most room) bool {
	return (most.processes == 0 || r.processes <= most.processes) && (most.memory == 0 || r.memory <= most.memory)
}

// why says which limit parks a process.
func (pl *places) why() string {
	if pl.most.memory > 0 {
		return "limits.memory: its place is wanted"
	}
	return "limits.resident: its place is wanted"
}

// try takes a place if there is one.
func (pl *places) try(memory int64) bool {
	if pl == nil {
		return true
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return len(pl.waiting) == 0 && pl.takes(memory)
}

// takes takes a place if there is room. mu is held.
func (pl *places) takes(memory int64) bool {
	pl.taken.add(memory)
	if pl.taken.within(pl.most) {
		return true
	}
	pl.taken.remove(memory)
	return false
}

// take waits for a place; false if over ended first.
func (pl *places) take(memory int64, over <-chan struct{}) bool {
	if pl == nil {
		return true
	}
	pl.mu.Lock()
	if len(pl.waiting) == 0 && pl.takes(memory) {
		pl.mu.Unlock()
		return true
	}
	mine := &waiter{memory, make(chan struct{})}
	pl.waiting = append(pl.waiting, mine)
	pl.mu.Unlock()
	pl.clear()
	select {
	case <-mine.given:
		return true
	case <-over:
		pl.withdraw(mine)
		return false
	}
}

// withdraw waits no more.
func (pl *places) withdraw(mine *waiter) {
	pl.mu.Lock()
	if i := slices.Index(pl.waiting, mine); i >= 0 {
		pl.waiting = slices.Delete(pl.waiting, i, i+1)
		pl.grant() // the next one may want less
		pl.mu.Unlock()
		return
	}
	pl.mu.Unlock()
	pl.leave(mine.memory, false) // it was given in the same moment
}

// leave gives a place back; parked says that it was given up for another.
func (pl *places) leave(memory int64, parked bool) {
	if pl == nil {
		return
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if parked {
		pl.leaving.remove(memory)
	}
	pl.taken.remove(memory)
	pl.grant()
}

// grant gives places to those who wait, in turn, as far as there is room. mu is
// held.
func (pl *places) grant() {
	for len(pl.waiting) > 0 && pl.takes(pl.waiting[0].memory) {
		close(pl.waiting[0].given)
		pl.waiting = pl.waiting[1:]
	}
}

// wanted says whether those who wait need more room than is being made. mu is
// held.
func (pl *places) wanted() bool {
	sum := room{pl.taken.processes - pl.leaving.processes, pl.taken.memory - pl.leaving.memory}
	for _, w := range pl.waiting {
		sum.add(w.memory)
	}
	return len(pl.waiting) > 0 && !sum.within(pl.most)
}

// rest notes that a process may be parked. It says whether it is to be at once:
// its place is wanted.
func (pl *places) rest(p *resident) (wanted bool) {
	if pl == nil {
		return false
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.wanted() {
		pl.leaving.add(p.memory())
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
		if first == nil || !pl.wanted() {
			pl.mu.Unlock()
			return
		}
		p := first.Value.(*resident)
		pl.resting.Remove(first)
		p.resting = nil
		pl.leaving.add(p.memory())
		pl.mu.Unlock()
		if !p.yield() {
			pl.mu.Lock()
			pl.leaving.remove(p.memory())
			pl.mu.Unlock()
		}
	}
}

// memory is how much the process may have, as far as it is limited.
func (p *resident) memory() int64 { return p.spec.Limits.Memory }
