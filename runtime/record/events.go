package record

import (
	"strconv"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// AppendEvents appends a tick as JSON lines, one compact object each, every
// one with "tick" and "type" first. In this order (fields in brackets are left
// out when empty or false):
//
//	observation  agent, observation; under the realtime clock also asked (the tick
//	             it was asked in), messages, results and redelivered: how many
//	             of those that waited it was told
//	outcome      agent, [failure, policy,] action, [done, unsent]
//	message      from, to or channel, body, [copies, delay, cut, refused]
//	partition    groups
//	result       agent, result
//	score        agent, score
//	event        event
//	column       name, value
//	added        agent, config
//	removed      agent
//	channel      channel, members
//	commit       agent, version, [message,] files: path, [deleted, exec, size, sha256]
//	lease        agent, lease (waits, granted or ended), paths, ticket, [token, ttl, why]
//	attempt      agent, attempt, [error, failure,] action, [send, done]
//	fact         agent, fact, about (a tick), [detail]
//	usage        agent, attempt, [model, session,] turns, input, output,
//	             cache_read, cache_write (tokens), usd, took_ms
//	tick         hash, [time,] ask_ms, step_ms, timed, [end]
//
// The last four are not hashed, but for end; the line of type tick closes the
// tick. An observation is followed by its outcome.
func AppendEvents(dst []byte, r *Record, hash [HashSize]byte) []byte {
	e := events{line{dst}, r.Tick}
	for i := range r.Turns {
		e.turn(&r.Turns[i])
	}
	for i := range r.Messages {
		e.open("message")
		e.message(&r.Messages[i])
		e.close()
	}
	for i := range r.Partitions {
		e.open("partition")
		e.key("groups")
		e.groups(r.Partitions[i].Groups)
		e.close()
	}
	for i := range r.Results {
		e.about("result", r.Results[i].Agent, "result", r.Results[i].JSON)
	}
	for i := range r.Scores {
		e.about("score", r.Scores[i].Agent, "score", r.Scores[i].Value)
	}
	for _, x := range r.Events {
		e.open("event")
		e.raw("event", x)
		e.close()
	}
	for i := range r.Columns {
		e.open("column")
		e.text("name", r.Columns[i].Name)
		e.raw("value", r.Columns[i].Value)
		e.close()
	}
	e.changes(r)
	e.shared(r)
	e.annex(&r.Annex)
	e.tick(r, &hash)
	return e.dst
}

type events struct {
	line
	number int
}

func (e *events) open(kind string) {
	e.begin()
	e.int("tick", e.number)
	e.text("type", kind)
}

func (e *events) close() {
	e.end()
	e.dst = append(e.dst, '\n')
}

// about is an event of one agent with one value.
func (e *events) about(kind, id, name string, value []byte) {
	e.open(kind)
	e.text("agent", id)
	e.raw(name, value)
	e.close()
}

func (e *events) turn(t *Turn) {
	e.open("observation")
	e.text("agent", t.Agent)
	e.raw("observation", t.Observation)
	if t.Taken != nil {
		e.taken(t.Taken)
	}
	e.close()
	e.open("outcome")
	e.text("agent", t.Agent)
	e.some("failure", string(t.Failure))
	e.some("policy", t.Policy)
	e.raw("action", t.Action)
	e.yes("done", t.Done)
	e.yes("unsent", t.Unsent)
	e.close()
}

func (l *line) taken(t *Taken) {
	l.int("asked", t.Tick)
	l.int("messages", t.Messages)
	l.int("results", t.Results)
	l.int("redelivered", t.Redelivered)
}

func (e *events) changes(r *Record) {
	for i := range r.Added {
		e.about("added", r.Added[i].Agent, "config", r.Added[i].Config)
	}
	for _, id := range r.Removed {
		e.open("removed")
		e.text("agent", id)
		e.close()
	}
	for i := range r.Channels {
		e.open("channel")
		e.text("channel", r.Channels[i].Name)
		e.texts("members", r.Channels[i].Members)
		e.close()
	}
}

func (e *events) annex(a *Annex) {
	for i := range a.Attempts {
		e.attempt(&a.Attempts[i])
	}
	for i := range a.Facts {
		f := &a.Facts[i]
		e.open("fact")
		e.text("agent", f.Agent)
		e.text("fact", f.Kind)
		e.int("about", f.Tick)
		e.some("detail", f.Detail)
		e.close()
	}
	for i := range a.Usages {
		e.usage(&a.Usages[i])
	}
}

func (e *events) usage(u *Usage) {
	e.open("usage")
	e.text("agent", u.Agent)
	e.int("attempt", u.Attempt)
	e.some("model", u.Model)
	e.some("session", u.Session)
	e.int("turns", u.Turns)
	e.int("input", u.Input)
	e.int("output", u.Output)
	e.int("cache_read", u.CacheRead)
	e.int("cache_write", u.CacheWrite)
	e.key("usd")
	e.dst = strconv.AppendFloat(e.dst, u.USD.Dollars(), 'f', -1, 64)
	e.milliseconds("took_ms", u.Took)
	e.close()
}

func (e *events) attempt(t *Attempt) {
	e.open("attempt")
	e.text("agent", t.Agent)
	e.int("attempt", t.Attempt)
	e.some("error", t.Error)
	e.some("failure", string(t.Failure))
	e.raw("action", t.Act.Action)
	if len(t.Act.Send) > 0 {
		e.key("send")
		e.dst = append(e.dst, '[')
		for i := range t.Act.Send {
			if i > 0 {
				e.dst = append(e.dst, ',')
			}
			e.send(&t.Act.Send[i])
		}
		e.dst = append(e.dst, ']')
	}
	e.yes("done", t.Act.Done)
	e.close()
}

func (l *line) send(s *agent.Send) {
	l.begin()
	l.some("to", s.To)
	l.some("channel", s.Channel)
	l.raw("body", s.Body)
	l.end()
}

func (l *line) message(m *Message) {
	l.text("from", m.From)
	l.some("to", m.To)
	l.some("channel", m.Channel)
	l.raw("body", m.Body)
	if m.Fate != nil {
		l.fate(m.Fate)
	}
	l.yes("refused", m.Refused)
}

// fate is what is out of the ordinary in it.
func (l *line) fate(f *Fate) {
	for _, x := range []struct {
		name         string
		value, usual int
	}{{"copies", f.Copies, 1}, {"delay", f.Delay, 0}, {"cut", f.Cut, 0}} {
		if x.value != x.usual {
			l.int(x.name, x.value)
		}
	}
}

func (e *events) tick(r *Record, hash *[HashSize]byte) {
	e.open("tick")
	e.hash(hash)
	if t := r.Annex.Time; !t.IsZero() {
		e.key("time")
		e.dst = append(e.dst, '"')
		e.dst = t.UTC().AppendFormat(e.dst, time.RFC3339Nano)
		e.dst = append(e.dst, '"')
	}
	e.milliseconds("ask_ms", r.Annex.Elapsed.Ask)
	e.milliseconds("step_ms", r.Annex.Elapsed.Step)
	e.int("timed", r.Annex.Timed)
	e.some("end", string(r.End))
	e.close()
}
