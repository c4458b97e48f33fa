package bench

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Operations of futex(2), between threads of one process.
const (
	futexWait = 0 | 128
	futexWake = 1 | 128
)

// A barrier lets threads wait for each other, again and again. They wait in
// the kernel, not in Go's scheduler, which would move them.
type barrier struct {
	parties int32
	waiting atomic.Int32
	round   atomic.Uint32
	broken  atomic.Bool
}

// spins is how often a thread looks before it sleeps: about as long as it
// takes to be woken.
const spins = 2000

// wait returns once all have come; false if the barrier is broken.
func (b *barrier) wait() bool {
	round := b.round.Load()
	if b.waiting.Add(1) == b.parties {
		b.waiting.Store(0)
		b.pass()
		return !b.broken.Load()
	}
	for range spins {
		if b.round.Load() != round {
			return !b.broken.Load()
		}
	}
	for b.round.Load() == round && !b.broken.Load() {
		b.futex(futexWait, round)
	}
	return !b.broken.Load()
}

// abort lets nobody wait any more.
func (b *barrier) abort() {
	b.broken.Store(true)
	b.pass()
}

func (b *barrier) pass() {
	b.round.Add(1)
	b.futex(futexWake, uint32(b.parties))
}

func (b *barrier) futex(op int, value uint32) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&b.round)), uintptr(op), uintptr(value), 0, 0, 0) //nolint:gosec // as package runtime does
}
