package bus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"
)

// An Ear takes what a program says, one call at a time, in the order in which
// the program said it.
type Ear struct {
	// Said takes one thing, an answer or not, and gives what is said back to who
	// wants to know. The bytes are the callee's.
	Said func(data []byte) (reply []byte)
	// Gone is the last call: the connection is no more, for that reason.
	Gone func(why string)
}

// A Rate is what a program may publish beside one answer to each line that it is
// told. What is more is dropped.
type Rate struct {
	Burst  int     // messages at once; 0 for as usual
	Second float64 // messages a second; 0 for as usual
	// Far is how many messages in a second that it may not publish, or to where it
	// may not, end its connection, and Bytes how many bytes, answers included; 0 for
	// as usual. The server has taken them all.
	Far, Bytes int64
}

// Usual is what a program may publish where nobody says.
var Usual = Rate{Burst: 1000, Second: 500, Far: 10_000, Bytes: 256 << 20}

// heldBack and heldBytes are how much of what a program said waits for who takes
// it. Beyond that it is lost: the server never waits.
const (
	heldBack  = 2000
	heldBytes = 4 * MaxPayload
)

// floodEvery is how often it is looked how much a program has said, and forgiven.
const floodEvery = time.Second

// A Line is one connection of an agent's program. Its methods never block, and
// may be called concurrently.
type Line struct {
	seat  *Seat
	login *login
	ear   Ear
	said  chan *nats.Msg
	limit *rate.Limiter
	owed  atomic.Int64 // lines told that were not answered yet, or so it seems

	once, last sync.Once
	ends       chan struct{} // closed to have it cut
	finishes   chan struct{} // the same, once the program has what it was told
	over       chan struct{} // closed when nothing is taken any more

	mu      sync.Mutex
	ended   bool // nothing is sent any more
	unheard bool
}

// line begins to speak with a connection.
func (s *Seat) line(ctx context.Context, at *login, e Ear) (*Line, error) {
	l := &Line{
		seat: s, login: at, ear: e, said: make(chan *nats.Msg),
		limit: rate.NewLimiter(rate.Limit(s.rate.Second), s.rate.Burst), ends: make(chan struct{}), finishes: make(chan struct{}), over: make(chan struct{}),
	}
	sub, err := s.bus.nc.Subscribe(Out(s.run, s.id), func(m *nats.Msg) {
		select {
		case l.said <- m:
		case <-l.over:
		}
	})
	if err == nil {
		err = sub.SetPendingLimits(max(heldBack, 2*s.rate.Burst), heldBytes)
	}
	if err == nil {
		err = s.bus.Flush(ctx) // the program may speak before it is told anything
	}
	if err != nil {
		close(l.over)
		if sub != nil {
			_ = sub.Unsubscribe()
		}
		if ctx.Err() != nil {
			return nil, ErrAbsent
		}
		return nil, fmt.Errorf("cannot listen to agent %s on the bus: %w", s.id, err)
	}
	go l.listen(sub)
	return l, nil
}

// From says where the program is.
func (l *Line) From() string { return l.login.addr }

// Tell sends one line. An answer comes the way of all that the program says.
func (l *Line) Tell(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		l.unheard = true
		return
	}
	l.owed.Add(1)
	if err := l.seat.bus.nc.PublishRequest(Ask(l.seat.run, l.seat.id), Out(l.seat.run, l.seat.id), line); err != nil {
		l.Cut()
	}
}

// Unheard says, once Gone was called, whether something was told that never reached
// the program.
func (l *Line) Unheard() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unheard
}

// Dismissed says, once Gone was called, that the program has done nothing for it: it
// listened to a channel that it is in no more.
func (l *Line) Dismissed() bool { return l.login.left.Load() }

// Finish lets the program have what it was told and ends the connection; Gone
// follows.
func (l *Line) Finish() { l.last.Do(func() { close(l.finishes) }) }

// Cut ends the connection at once; Gone follows.
func (l *Line) Cut() { l.once.Do(func() { close(l.ends) }) }

// listen takes what the program says until it is gone.
func (l *Line) listen(sub *nats.Subscription) {
	look, floods := time.NewTicker(lookEvery), time.NewTicker(floodEvery)
	defer look.Stop()
	defer floods.Stop()
	var refused int64
	var before traffic
	why := ""
	for why == "" {
		select {
		case m := <-l.said:
			if why = l.take(m, &refused); refused > l.seat.rate.Far {
				why = fmt.Sprintf("it was cut off: it published more than %d messages over its rate", l.seat.rate.Far)
			}
		case <-l.ends:
			why = "it was cut off"
		case <-l.finishes:
			_ = l.seat.bus.nc.FlushTimeout(closeWait)
			why = "it was told to stop"
		case <-look.C:
			if l.seat.bus.users.gone(l.login.id) {
				why = "its connection to the bus has ended"
			}
		case <-floods.C:
			refused = 0
			now := l.published()
			why, before = l.flood(before, now), now
		}
	}
	if l.login.left.Load() {
		why = "it has left a channel that it listened to"
	}
	l.seat.bus.users.cut(l.login)
	l.rest(sub, &refused)
	l.ear.Gone(why)
}

// rest takes what the program said before its end: the server has it, and is in
// this process.
func (l *Line) rest(sub *nats.Subscription, refused *int64) {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	_ = l.seat.bus.nc.FlushTimeout(closeWait)
	for {
		if waiting, _, err := sub.Pending(); err != nil || waiting == 0 {
			break
		}
		select {
		case m := <-l.said:
			_ = l.take(m, refused)
		case <-time.After(time.Millisecond): // it is being handed over
		}
	}
	_ = sub.Unsubscribe() // an error says that the bus is closed
	close(l.over)
}

// traffic is what a connection has sent so far, wherever to.
type traffic struct{ messages, bytes int64 }

func (l *Line) published() traffic {
	info, err := l.seat.bus.srv.Connz(&server.ConnzOptions{CID: l.login.id})
	if err != nil || len(info.Conns) != 1 {
		return traffic{} // it is gone
	}
	return traffic{info.Conns[0].InMsgs, info.Conns[0].InBytes}
}

// flood says why a connection cannot go on that has sent so much within floodEvery.
func (l *Line) flood(before, now traffic) (why string) {
	switch messages, bytes := now.messages-before.messages, now.bytes-before.bytes; {
	case messages > l.seat.rate.Far:
		return fmt.Sprintf("it was cut off: it published %d messages within %s", messages, floodEvery)
	case bytes > l.seat.rate.Bytes:
		return fmt.Sprintf("it was cut off: it published %d bytes within %s", bytes, floodEvery)
	}
	return ""
}

// allowed says whether one more message is not too many. What it may say as an
// answer is not counted, so that who is asked often can answer; which of its
// messages is one, who takes it knows.
func (l *Line) allowed() bool {
	if l.owed.Load() > 0 {
		l.owed.Add(-1) // nobody else takes any
		return true
	}
	return l.limit.Allow()
}

// take takes one message in, and says why the connection cannot go on, if so.
func (l *Line) take(m *nats.Msg, refused *int64) (why string) {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unheard = true
		return "it listens no more to what it is asked"
	}
	reply := []byte(`{"error":"too many messages: this one was dropped"}`)
	if l.allowed() {
		reply = l.ear.Said(m.Data)
	} else {
		*refused++
	}
	// Only to where its own answers go: else it could have us publish anywhere.
	if strings.HasPrefix(m.Reply, l.seat.Inbox()+".") && len(reply) > 0 {
		_ = l.seat.bus.nc.Publish(m.Reply, reply)
	}
	return ""
}
