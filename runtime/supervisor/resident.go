package supervisor

import (
	"cmp"
	"container/list"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// A resident is a process that lives over many turns and hosts one agent or
// more. All of its fields below mu are guarded by it; mu is never held while
// something blocks.
type resident struct {
	fleet   *Fleet
	spec    Spec
	log     *logFile
	taken   account // by its processes
	penalty penalty
	script  *transcript
	secret  *redactor
	halting chan struct{} // closed when it is told to stop

	disk sync.Mutex // held by who takes, keeps or restores its files; before mu
	kept *files     // nil where they go with its past; guarded by disk

	first    chan struct{} // closed when the first try to start has ended
	finished chan struct{} // closed when it is gone for good

	mu      sync.Mutex
	state   State
	ws      *workspace.Workspace
	sock    *deskSocket // nil for none
	child   *child
	dialect agent.Dialect
	pipeIO  pipeIO
	home    *watcher         // pipeIO, if it is one
	seats   map[string]*seat // nil where there is only one
	order   []*seat          // as in the spec
	living  int              // seats not ended
	owed    int              // seats that are open and sent
	waiting int              // seats not ready, while Starting
	hydro   *hydration
	readyc  chan struct{} // closed when all are ready

	asked    int                  // seats that are open
	ahead    int                  // seats that are ahead
	atRest   bool                 // it has nothing to do, and may be parked
	resting  *list.Element        // in the fleet's places, whose mu guards it
	yielding bool                 // it is parked for another
	placed   bool                 // it has a place before its start
	why      string               // it is parked
	idler    *time.Timer          // fires when it was that long at rest
	untold   bool                 // it was asked since its agents told their states
	current  bool                 // what it is given at its start is all that its agents have had
	telling  *telling             // nil unless they are telling them
	states   map[string]toldState // that the next process is given; nil for none
	spoiled  bool                 // it died at work: its files are not what they should be

	keptSession string // that goes with the files that are kept

	tick    int
	crashes int    // in this tick
	alone   bool   // two crashes in this tick: asked one by one
	lost    int    // ticks in a row that ended in giving up
	streak  int    // crashes since the last accepted answer
	starts  int    // how often the process was started
	session string // of the tool, once it said so
	held    *held  // its answer, until the tool's session has it; else nil
	unkept  int    // answers in a row that the tool's session did not have in time
	heard   bool   // it wrote something on stdout since it was last asked
	noted   bool   // the log has lines that are not written yet
	noise   []byte // the beginning of the last such line that is no protocol line
	mute    bool   // it closed its stdout, or is dying

	// spawning is how many calls of start are under way: beside the one that
	// asks the system for a process, one whose process died at once may not
	// have noticed yet.
	spawning int
	restart  bool // the next death is wanted: it missed its deadline

	staged []agent.Send // what its program has sent since it was asked, ahead of its act

	strikes agent.Strike // what faults do to it once it has what it was asked
	struck  bool         // by a fault that kills: it does not count any more
	thawer  *time.Timer  // while it is paused, what ends that at thawAt
	thawAt  time.Time

	timer   *time.Timer
	armed   time.Time // when the timer fires; zero if it is not running
	out     []byte
	answers []agent.Answer // not yet delivered
}

// A seat is one hosted agent. There may be hundreds of thousands.
type seat struct {
	init  *agent.Init // the spec's
	ready bool
	ended bool

	ahead   bool           // in realtime: it was asked what is not on record yet
	open    bool           // ask waits for an answer
	sent    bool           // the process has it
	ask     *agent.Observe // the fleet's caller's; nil unless open
	tick    int            // of the newest ask
	since   time.Time      // when it was sent
	left    time.Duration  // of the deadline; meaningless without one
	attempt int32          // of the newest ask
	at      position       // how far it is in the state that the process was given or told last
	asks    int32          // how often it was asked because of deadlines, the first time included

	paused bool  // not to be sent before its model may have room
	waits  int32 // how often that was in a row

	owes  *agent.Observe // the deadline passed, the process may still answer
	hint  string         // what it wrote instead of an answer
	stray string         // how this process answered its past otherwise, where that counts
	saved *answered      // the newest by this process, committed or not

	staged *staged // what it has asked for in the tick of ask; nil for nothing
}

// lostTicks is how many ticks in a row a process may fail for good in before
// it is never started again.
const lostTicks = 3

func newResident(f *Fleet, s Spec) *resident {
	p := &resident{
		fleet: f, spec: s,
		log:      newLogFile(f.opts.Dir.AgentLog(s.ID), s.Limits.logSize(), s.Secrets),
		script:   newTranscript(f.opts.Dir.Transcript(s.ID), &s),
		secret:   newRedactor(s.Secrets),
		halting:  make(chan struct{}),
		first:    make(chan struct{}),
		finished: make(chan struct{}),
		order:    make([]*seat, len(s.Agents)),
		living:   len(s.Agents),
		session:  s.LastSession, keptSession: s.LastSession,
		spoiled: s.Past, current: !s.Past,
		tick: -1,
	}
	if s.Caller != nil {
		p.pipeIO = pumped{}
	} else {
		p.pipeIO, p.home = f.pipesFor()
	}
	p.taken.restore(s.Spent)
	s.Bill.logTo(p.log)
	seats := make([]seat, len(s.Agents))
	for i := range seats {
		in, st := &s.Agents[i], &seats[i]
		st.init = in
		p.order[i] = st
	}
	if len(seats) > 1 {
		p.seats = make(map[string]*seat, len(seats))
		for _, st := range p.order {
			p.seats[st.init.Agent] = st
		}
	}
	return p
}

func (p *resident) begun() <-chan struct{} { return p.first }
func (p *resident) done() <-chan struct{}  { return p.finished }

// begin implements driver. A process that is one for each turn begins when it
// is asked, and so does one for which there is no place yet.
func (p *resident) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != Down {
		return
	}
	if p.spec.Ephemeral || !p.fleet.places.try(p.memory()) {
		close(p.first)
		return
	}
	if p.spec.Caller != nil && len(p.spec.Command) == 0 {
		close(p.first) // whoever it waits for, others begin
	}
	p.placed = true
	p.revive()
}

func (p *resident) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{ID: p.spec.ID, State: p.state}
	if p.child != nil {
		s.PID = p.child.pid
	}
	for _, st := range p.order {
		if !st.ended {
			s.Agents = append(s.Agents, st.init.Agent)
		}
	}
	return s
}

// to is the only place where the state changes.
func (p *resident) to(e event) { p.state = p.state.next(e) }

// seat finds a hosted agent; nil if it is none. Most are the only one of their
// process.
func (p *resident) seat(id string) *seat {
	if len(p.order) > 1 {
		return p.seats[id]
	}
	if only := p.order[0]; only.init.Agent == id {
		return only
	}
	return nil
}

// ask implements driver.
func (p *resident) ask(batch []*agent.Observe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := batch[0].Tick; t != p.tick {
		p.tick, p.strikes = t, agent.Strike{}
		if !p.anyOpen() { // as ever but in realtime, where turns of one process overlap
			p.crashes, p.alone = 0, false
		}
	}
	for _, o := range batch {
		st := p.seat(o.Agent)
		if o.Strike != nil {
			p.strikes.Add(*o.Strike)
		}
		if st.owes != nil {
			p.answer(agent.Answer{Agent: o.Agent, Ref: o.Ref, Tick: o.Tick, Attempt: o.Attempt, Failure: agent.Deadline,
				Unsent: true, Timed: true, Detail: fmt.Sprintf("still busy with tick %d", st.owes.Tick)})
			continue
		}
		if st.stray != "" {
			p.answer(strayed(o, st.stray))
			continue
		}
		p.asked++
		p.setAhead(st, p.fleet.opts.Realtime)
		st.renew(o)
		st.attempt = int32(o.Attempt)
		st.open, st.sent, st.ask, st.tick, st.left, st.asks, st.hint = true, false, o, o.Tick, p.fleet.deadline(o), 1, ""
		st.paused, st.waits = false, 0
	}
	if p.asked > 0 {
		p.roused()
		p.untold = true
	}
	switch p.state {
	case Ready:
		p.send()
	case Down, Parked:
		if x := cmp.Or(p.spec.Limits.spent(p.taken.sum()), p.penalty.now(time.Now())); x != nil { // as was said when it was
			p.failOpen(agent.Answer{Failure: agent.Limit, Timed: x.timed, Unsent: true, Detail: x.String()}, nil)
		} else {
			p.revive()
		}
	case Failed:
		p.failOpen(agent.Answer{Failure: agent.Crash, Timed: true, Unsent: true,
			Detail: fmt.Sprintf("not started again: it failed in %d ticks in a row", p.lost)}, nil)
	}
	p.flush()
}

func (p *resident) owes(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.seat(id)
	return st != nil && st.owes != nil
}

// send writes every open observe that the process does not have yet, and does
// to it then what faults want. One that was killed by a fault and is not gone
// yet is sent nothing: it would be taken to have died of it.
func (p *resident) send() {
	if p.struck {
		return
	}
	p.write()
	p.suffer(p.strikes)
	p.strikes = agent.Strike{}
}

// write is send without the faults. It writes one observe alone where the
// process crashes with them together.
func (p *resident) write() {
	now := time.Now()
	p.out = p.out[:0]
	var due time.Time
	before := p.owed
	for _, st := range p.order {
		if st.open && st.sent && p.alone {
			break
		}
		if !st.open || st.sent || st.paused {
			continue
		}
		if st.ask.Attempt <= 1 {
			p.staged = nil
		}
		p.spec.Bill.asked(st.ask)
		from := len(p.out)
		p.out = p.dialect.Observe(p.out, st.ask)
		p.script.asked(st.ask, p.out[from:])
		p.spill(p.child)
		st.sent, st.since = true, now
		p.owed++
		if p.fleet.deadline(st.ask) > 0 {
			if d := now.Add(st.left); due.IsZero() || d.Before(due) {
				due = d
			}
		}
		if p.alone {
			break
		}
	}
	if p.owed == before {
		return
	}
	p.heard, p.noise = false, p.noise[:0]
	p.child.in.write(p.out)
	if p.perTurn() {
		p.child.in.finish()
	}
	p.fleet.put()
	p.arm(due)
}

// unsend notes that the process does not owe an answer any more.
func (p *resident) unsend(st *seat) {
	if st.open && st.sent {
		p.owed--
	}
	st.sent = false
}

// settle ends a seat's open ask.
func (p *resident) settle(st *seat, a agent.Answer) {
	a.Agent, a.Ref, a.Tick, a.Attempt, a.Marked = st.ask.Agent, st.ask.Ref, st.ask.Tick, st.ask.Attempt, st.ask.Marked()
	p.unsend(st)
	p.asked--
	st.open, st.ask = false, nil
	st.staged.settle(&a)
	p.answer(a)
	if p.alone && p.state == Ready {
		p.send()
	}
}

// spill writes the lines in out once they are as many as a pipe holds, so that
// a process of many agents needs no room for all of them.
func (p *resident) spill(c *child) {
	if len(p.out) >= pieceSize {
		c.in.write(p.out)
		p.out = p.out[:0]
	}
}

// mostAnswers is how many answers of one process are handed over together: the
// engine takes them in while the process goes on.
const mostAnswers = 256

func (p *resident) answer(a agent.Answer) {
	if len(p.answers) >= mostAnswers {
		p.flush()
	}
	p.answers = append(p.answers, a)
}

// flush hands over the answers gathered so far.
func (p *resident) flush() {
	p.fleet.deliver(p.answers)
	clear(p.answers)
	p.answers = p.answers[:0]
}

// muted follows the end of a child's stdout.
func (p *resident) muted(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = p.mute || p.child == c
}

// idle follows each batch of lines.
func (p *resident) idle() {
	if p.home != nil {
		p.home.gather(p)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logNotes()
	p.flush()
	p.rested()
}

func (p *resident) logNotes() {
	if p.noted {
		p.noted = false
		p.log.noted()
	}
}

// takeAnswers appends the answers gathered so far to a list.
func (p *resident) takeAnswers(list []agent.Answer) []agent.Answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logNotes()
	list = append(list, p.answers...)
	clear(p.answers)
	p.answers = p.answers[:0]
	p.rested()
	return list
}

// owing is what reads from the process while it owes answers; else nil.
func (p *resident) owing() *reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil || p.owed == 0 {
		return nil
	}
	return p.child.out
}

// setAhead says whether a seat is ahead of the record.
func (p *resident) setAhead(st *seat, ahead bool) {
	switch {
	case ahead && !st.ahead:
		p.ahead++
	case !ahead && st.ahead:
		p.ahead--
	}
	st.ahead = ahead
}

// failOpen ends the open asks that which selects, or all, alike.
func (p *resident) failOpen(a agent.Answer, which func(*seat) bool) {
	for _, st := range p.order {
		if st.open && (which == nil || which(st)) {
			p.settle(st, a)
		}
	}
}

func (p *resident) anyOpen() bool {
	for _, st := range p.order {
		if st.open {
			return true
		}
	}
	return false
}

func (p *resident) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != nil {
		p.child.signal(syscall.SIGKILL)
	}
}
