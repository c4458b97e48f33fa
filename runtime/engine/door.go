package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A RefusedError says why what somebody outside asks for cannot be done.
// Nothing of it is on record.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

// ErrShut says that a run has no ear any more: it is over, or stops.
var ErrShut = errors.New("the run is over or stopping: nothing of this is on record")

// A Door is where whoever is no agent of a run asks for something. Calls wait
// for the loop, and return once what they ask for is on record, with the tick
// of that record, or is refused (*RefusedError). The zero value is ready; any
// number of goroutines may call. A call whose ctx ends while the loop has not
// come to it is as if never made.
type Door struct {
	mu    sync.Mutex
	calls []*call
	shut  bool
	scene atomic.Pointer[agent.Scene] // under the realtime clock, as of the newest record
	wake  func()                      // of the loop, if it has one
}

// A call is one thing that is asked for.
type call struct {
	prepare func(l *loop, rec *record.Record) error
	message bool
	done    chan struct{} // closed once the next two are set
	tick    int
	err     error
}

// Send puts a message in, to an agent or a channel. From may be no agent's
// name; the body is compact JSON. It is delivered as an agent's would be.
func (d *Door) Send(ctx context.Context, from string, m agent.Send) (tick int, err error) {
	return d.call(ctx, &call{message: true, prepare: func(l *loop, rec *record.Record) error {
		if err := l.admits(from, m); err != nil {
			return err
		}
		rec.Messages = append(rec.Messages, record.Message{From: from, To: m.To, Channel: m.Channel, Body: m.Body})
		return nil
	}})
}

// Add brings an agent of an entry that has room for one more. Its config is
// the entry's with the given one, a JSON object or nothing, put over it.
func (d *Door) Add(ctx context.Context, id string, config []byte) (tick int, err error) {
	return d.call(ctx, &call{prepare: func(l *loop, rec *record.Record) error { return l.welcome(id, config, rec) }})
}

// Remove ends an agent. What it has begun is not waited for.
func (d *Door) Remove(ctx context.Context, id string) (tick int, err error) {
	return d.call(ctx, &call{prepare: func(l *loop, rec *record.Record) error {
		slot, known := l.soc.find(id)
		if !known {
			return refused("there is no agent %s", id)
		}
		if !l.soc.members[slot].alive {
			return refused("agent %s has ended already", id)
		}
		l.gone[id] = removed
		rec.Removed = append(rec.Removed, id)
		return nil
	}})
}

func refused(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

func (d *Door) call(ctx context.Context, c *call) (int, error) {
	c.done = make(chan struct{})
	d.mu.Lock()
	if d.shut {
		d.mu.Unlock()
		return 0, ErrShut
	}
	d.calls = append(d.calls, c)
	wake := d.wake
	d.mu.Unlock()
	if wake != nil {
		wake()
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if d.withdraw(c) {
			return 0, ctx.Err()
		}
		<-c.done
	}
	return c.tick, c.err
}

func (d *Door) withdraw(c *call) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(d.calls, c)
	if i < 0 {
		return false
	}
	d.calls = slices.Delete(d.calls, i, i+1)
	return true
}

// open has wake called at each call from now on. Those that wait already are
// there to be taken.
func (d *Door) open(wake func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wake = wake
}

// take gives the calls that wait.
func (d *Door) take() []*call {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

// Shut refuses those who wait, and all who come. It may be called twice.
func (d *Door) Shut() {
	d.mu.Lock()
	d.shut = true
	d.mu.Unlock()
	for _, c := range d.take() {
		c.answer(0, ErrShut)
	}
}

func (c *call) answer(tick int, err error) {
	c.tick, c.err = tick, err
	close(c.done)
}

// answerCalls tells those whom the record of a tick answers, now that it is
// acknowledged.
func (l *loop) answerCalls(tick int) {
	for _, c := range l.calls {
		c.answer(tick, nil)
	}
	l.calls = l.calls[:0]
}

// shut tells those who wait that nothing comes of what they ask for. Of calls
// whose record could not be acknowledged nobody knows.
func (l *loop) shut(err error) {
	for _, c := range l.calls {
		if err == nil || errors.Is(err, errInterrupted) {
			err = ErrShut
		}
		c.answer(0, err)
	}
	l.calls = nil
	for ticket, holder := range l.holders {
		delete(l.holders, ticket)
		close(holder)
	}
	if l.Door != nil {
		l.Door.Shut()
	}
}

// writeCalls writes what has come from outside into the record of a tick of
// the lockstep.
func (l *loop) writeCalls() {
	if l.soc.realtime || l.aborted {
		return
	}
	before := len(l.rec.Messages)
	for _, c := range l.Door.take() {
		err := refused("agents come and go by the world's word alone, but under the realtime clock")
		if c.message {
			err = c.prepare(l, &l.rec)
		}
		if err != nil {
			c.answer(0, err)
			continue
		}
		l.calls = append(l.calls, c)
	}
	if len(l.rec.Messages) > before {
		slices.SortStableFunc(l.rec.Messages, func(a, b record.Message) int { return compare(a.From, b.From) })
	}
}

// admits says why a message from outside cannot be delivered.
func (l *loop) admits(from string, m agent.Send) error {
	if _, known := l.soc.find(from); known {
		return refused("%s is the name of an agent: nobody else can send in its name", from)
	}
	if _, may := l.Plan.Host(from); may {
		return refused("%s is a name that an agent may get: nobody else can send in its name", from)
	}
	why := l.soc.refuse(outsider, from, m.To, m.Channel, m.Body)
	if why == "" && m.To != "" && l.gone[m.To] != 0 {
		why = whyEnded
	}
	switch {
	case why == "":
		return nil
	case m.Channel != "" && l.soc.channels[m.Channel] == nil:
		return refused("cannot send to channel %s: %s; the channels are %s", m.Channel, why, channelNames(l.Plan))
	case m.To != "":
		return refused("cannot send to agent %s: %s", m.To, why)
	}
	return refused("cannot send: %s", why)
}

// welcome admits an agent from outside.
func (l *loop) welcome(id string, config []byte, rec *record.Record) error {
	if l.World != nil {
		return refused("cannot add agent %s: the world of this run, %s, decides who comes", id, worldName(l.Plan))
	}
	if _, known := l.soc.find(id); known {
		return refused("cannot add agent %s, which is or was one: an id is used once in a run", id)
	}
	pa, proc, err := l.Plan.Admit(id, config, func(entry int) int { return l.soc.perEntry[entry] })
	if err != nil {
		return &RefusedError{err.Error()}
	}
	l.added.agents = append(l.added.agents, pa)
	l.added.processes = append(l.added.processes, proc)
	rec.Added = append(rec.Added, record.Added{Agent: id, Config: pa.Config})
	return nil
}

// whyRemoved is what the agents are told that a record removes.
func whyRemoved(rec *record.Record, s *society) string {
	if s.fromOutside(rec) {
		return "removed"
	}
	return "removed by the world"
}
