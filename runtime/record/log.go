package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// stream is where a log is stored: entries numbered from 1 without gaps.
// Append stores exactly once or fails for good; Read goes to the end as it
// was when it was called; both, and Get, may run beside each other.
type stream interface {
	Append(ctx context.Context, payload []byte) error
	Last(ctx context.Context) (uint64, error)
	Get(ctx context.Context, seq uint64) ([]byte, error)
	Read(ctx context.Context, from uint64, fn func(seq uint64, payload []byte) error) error
}

// keptBody is how many bytes of room for an encoded record are kept from one
// tick to the next: that of a hundred thousand agents would lie idle most of
// the time.
const keptBody = 4 << 20

// A Log is the run's record on disk: one record a tick, each chained to the
// one before by its hash. One goroutine appends; any number may read
// meanwhile, and see what was acknowledged before they began.
type Log struct {
	stream  stream
	genesis [HashSize]byte
	chunk   int // bytes of a frame in one entry

	mu   sync.Mutex // guards these three; an append never holds it while it waits
	tick int        // the newest; -1 when there is none
	hash [HashSize]byte
	end  End

	written atomic.Int64 // bytes

	writing sync.Mutex // held by an append
	attempt uint64     // of the next append
	fresh   bool       // by Create, and nothing appended yet
	broken  error      // why nothing can be appended any more

	packer packer
	body   []byte // H(t), hashed part, annex
	out    []byte // room for a chunk's head, then the frame
}

// Create is the log of a new run, whose stream is empty.
func Create(s stream, genesis [HashSize]byte) *Log {
	return &Log{stream: s, genesis: genesis, chunk: chunkSize, tick: -1, hash: genesis, attempt: 1, fresh: true}
}

// Open is the log of a run that has been, or is, under way. It checks that the
// log begins with this genesis and that its newest record is whole and follows
// from the one before; Verify checks all of it. Damage is a *BrokenError, which
// Repair deals with. An empty stream is as Create leaves it.
func Open(ctx context.Context, s stream, genesis [HashSize]byte) (*Log, error) {
	l := Create(s, genesis)
	l.fresh = false
	if err := l.findEnd(ctx); err != nil {
		return nil, fmt.Errorf("cannot open the log: %w", l.diagnose(ctx, err))
	}
	return l, nil
}

// Last is the newest tick, -1 when there is none, with the hash that the chain
// has after it, and the end where it was the run's last.
func (l *Log) Last() (tick int, hash [HashSize]byte, end End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tick, l.hash, l.end
}

// Written is how many bytes of records have been stored by Append. Any goroutine may
// call it.
func (l *Log) Written() int64 { return l.written.Load() }

// Append stores the record of the next tick and returns once the store has
// acknowledged it, with the chain's new hash. It keeps nothing of r. After an
// error of the store it is unknown whether the record is stored: the log takes
// no more, until it is opened again. A record that is refused (the wrong tick,
// an order that is not canonical, a run that has ended) changes nothing.
func (l *Log) Append(ctx context.Context, r *Record) (hash [HashSize]byte, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.accepts(r); err != nil {
		return hash, fmt.Errorf("cannot append tick %d: %w", r.Tick, err)
	}
	if l.fresh {
		if err := l.empty(ctx); err != nil {
			return hash, fmt.Errorf("cannot append tick %d: %w", r.Tick, err)
		}
		l.fresh = false
	}
	l.body = append(slices.Grow(l.body[:0], HashSize+roughSize(r)), l.hash[:]...)
	l.body = appendHashed(l.body, r)
	hashed := len(l.body) - HashSize
	hash = sha256.Sum256(l.body)
	l.body = appendTail(appendAnnex(l.body, &r.Annex), r)
	l.out = append(l.out[:0], make([]byte, maxChunkHead)...)
	if l.out, err = l.packer.frame(l.out, &hash, hashed, l.body[HashSize:]); err != nil {
		return hash, fmt.Errorf("cannot append tick %d: %w", r.Tick, err)
	}
	if cap(l.body) > keptBody {
		l.body = nil
	}
	if err := l.store(ctx, r.Tick); err != nil {
		l.broken = err
		return hash, fmt.Errorf("cannot append tick %d: %w", r.Tick, err)
	}
	l.attempt = 1
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick, l.hash, l.end = r.Tick, hash, r.End
	return hash, nil
}

func (l *Log) accepts(r *Record) error {
	switch {
	case l.broken != nil:
		return fmt.Errorf("the append before it failed: %w", l.broken)
	case l.end != NotEnded:
		return fmt.Errorf("the run has ended at tick %d (%s)", l.tick, l.end)
	case r.Tick != l.tick+1:
		return fmt.Errorf("the next one is %d", l.tick+1)
	}
	return ordered(r)
}

func (l *Log) empty(ctx context.Context) error {
	last, err := l.stream.Last(ctx)
	if err == nil && last > 0 {
		err = errors.New("the log of a new run has entries already")
	}
	return err
}

// store sends the frame in l.out. Each chunk's head is written over the end of
// the chunk before it, which the store has by then.
func (l *Log) store(ctx context.Context, tick int) error {
	var room [maxChunkHead]byte
	for at, index := maxChunkHead, uint64(0); at < len(l.out); index++ {
		end := min(at+l.chunk, len(l.out))
		h := chunkHead{tick: uint64(tick), attempt: l.attempt, index: index, last: end == len(l.out)}
		head := h.appendTo(room[:0])
		start := at - len(head)
		copy(l.out[start:at], head)
		if err := l.stream.Append(ctx, l.out[start:end]); err != nil {
			return err
		}
		at = end
	}
	l.written.Add(int64(len(l.out) - maxChunkHead))
	return nil
}
