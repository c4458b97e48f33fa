package observe

import (
	"maps"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// What a frame has at most.
const (
	mostPoints   = 500
	mostColumns  = 200
	mostMessages = 200
	mostEvents   = 50
	// mostText is how many bytes a message or an event may have: of a longer one
	// there is only its length.
	mostText = 8 << 10
	// horizon is for how many of the newest ticks it is known how many messages and
	// events there were: who knows the run no further back gets a whole frame.
	horizon = 10_000
)

// A picture is what frames show of a run after a tick. All in it has the tick in
// which it came about, so that the difference to any earlier tick is what is
// younger. It is not safe for concurrent use.
type picture struct {
	plan  *plan.Plan
	cells *grid // nil without a grid

	tick int // -1 before the first
	hash [record.HashSize]byte
	time time.Time
	end  record.End

	columns  map[string]*curve
	scores   map[string]scored
	race     race
	failures map[string]failings
	came     map[string]int // by agent: since when
	went     map[string]int
	messages texts
	events   texts
	counts   []counts // of the newest ticks, the last one last
}

// A scored is a total; its text is shared with nothing.
type scored struct {
	value  string
	number float64
	place  int // among those who have a score, in the order in which they came to it
	tick   int
}

// Failings are how often an agent failed, and the last time.
type failings struct {
	count   int
	failure agent.Failure
	tick    int
}

// A counts is how many messages and events there were up to a tick.
type counts struct{ messages, events int }

// A text is a message or an event as it is shown.
type text struct {
	tick int
	json string
}

// texts are the newest of those that there were.
type texts struct {
	newest []text
	total  int
}

func newPicture(p *plan.Plan) *picture {
	return &picture{
		plan: p, cells: newGrid(p), tick: -1,
		columns: map[string]*curve{}, scores: map[string]scored{}, failures: map[string]failings{},
		came: map[string]int{}, went: map[string]int{},
	}
}

// clone is another picture of the same, which goes on by itself.
func (p *picture) clone() *picture {
	c := *p
	c.cells, c.race = p.cells.clone(), p.race.clone()
	c.columns = make(map[string]*curve, len(p.columns))
	for name, s := range p.columns {
		c.columns[name] = s.clone()
	}
	c.scores, c.failures = maps.Clone(p.scores), maps.Clone(p.failures)
	c.came, c.went = maps.Clone(p.came), maps.Clone(p.went)
	c.messages.newest, c.events.newest = slices.Clone(p.messages.newest), slices.Clone(p.events.newest)
	c.counts = slices.Clone(p.counts)
	return &c
}

// size is about how many bytes it takes.
func (p *picture) size() int {
	const entry = 64 // of a map
	n := 1<<10 + entry*(len(p.scores)+len(p.failures)+len(p.came)+len(p.went)) + 16*len(p.counts) + p.race.size()
	for _, s := range p.columns {
		n += 16*cap(s.recent) + 32*cap(s.spans)
	}
	for _, t := range [][]text{p.messages.newest, p.events.newest} {
		for i := range t {
			n += 32 + len(t[i].json)
		}
	}
	if p.cells != nil {
		n += 5 * len(p.cells.now)
	}
	return n
}

// add goes on to the next tick. It keeps nothing of the record.
func (p *picture) add(r *record.Record, hash [record.HashSize]byte) {
	p.tick, p.hash, p.time, p.end = r.Tick, hash, r.Annex.Time, r.End
	p.cells.add(r)
	for i := range r.Turns {
		t := &r.Turns[i]
		if t.Failure != "" {
			f := p.failures[t.Agent]
			p.failures[t.Agent] = failings{f.count + 1, t.Failure, r.Tick}
		}
		if t.Done {
			p.went[t.Agent] = r.Tick
		}
	}
	if p.plan.View.Race {
		p.score(r)
	}
	for i := range r.Columns {
		p.chart(&r.Columns[i])
	}
	for _, a := range r.Added {
		p.came[a.Agent] = r.Tick
	}
	for _, id := range r.Removed {
		p.went[id] = r.Tick
	}
	p.talk(r)
}

// score takes the totals in.
func (p *picture) score(r *record.Record) {
	for i := range r.Scores {
		s := &r.Scores[i]
		place := len(p.scores)
		if known, ok := p.scores[s.Agent]; ok {
			place = known.place
		}
		n, ok := number(s.Value)
		if !ok {
			n = 0 // too large for a chart
		}
		p.scores[s.Agent] = scored{string(s.Value), n, place, r.Tick}
	}
	p.race.add(r.Tick, p.scores)
}

// talk takes the messages and the world's events in.
func (p *picture) talk(r *record.Record) {
	var b []byte
	if p.plan.View.Threads {
		p.messages.skip(len(r.Messages) - mostMessages)
		for i := range r.Messages[max(0, len(r.Messages)-mostMessages):] {
			m := r.Messages[max(0, len(r.Messages)-mostMessages)+i]
			if n := len(m.Body); n > mostText {
				m.Body = tooLong(n)
			}
			b = record.AppendMessage(b[:0], r.Tick, &m)
			p.messages.add(text{r.Tick, string(b)}, mostMessages)
		}
	}
	p.events.skip(len(r.Events) - mostEvents)
	for _, e := range r.Events[max(0, len(r.Events)-mostEvents):] {
		if n := len(e); n > mostText {
			e = tooLong(n)
		}
		b = appendEvent(b[:0], r.Tick, e)
		p.events.add(text{r.Tick, string(b)}, mostEvents)
	}
	if len(p.counts) == 2*horizon {
		p.counts = append(p.counts[:0], p.counts[horizon:]...)
	}
	p.counts = append(p.counts, counts{p.messages.total, p.events.total})
}

// chart takes a column in, where it is a number that is drawn.
func (p *picture) chart(c *record.Column) {
	value, ok := number(c.Value)
	if !ok {
		return
	}
	s := p.columns[c.Name]
	if s == nil {
		if len(p.columns) == mostColumns || !p.plan.View.Charted(c.Name) {
			return
		}
		s = &curve{}
		p.columns[c.Name] = s
	}
	s.add(point{p.tick, value})
}

// before is how many messages and events there were up to a tick; ok is false
// where that is too long ago.
func (p *picture) before(tick int) (c counts, ok bool) {
	if tick < 0 {
		return c, true
	}
	i := len(p.counts) - 1 - (p.tick - tick)
	if i < 0 || i >= len(p.counts) {
		return c, false
	}
	return p.counts[i], true
}

// skip counts those that are not to be kept.
func (t *texts) skip(n int) { t.total += max(0, n) }

func (t *texts) add(x text, most int) {
	if len(t.newest) == 2*most {
		t.newest = append(t.newest[:0], t.newest[most:]...)
	}
	t.newest = append(t.newest, x)
	t.total++
}

// after are the newest of those after a tick, so many at most.
func (t *texts) after(tick, most int) []text {
	i, _ := slices.BinarySearchFunc(t.newest, tick+1, func(x text, tick int) int { return x.tick - tick })
	return t.newest[max(i, len(t.newest)-most):]
}
