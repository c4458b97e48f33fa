package record

import (
	"bytes"
	"strconv"
)

// An item is one thing of a list: whose it is, and what.
type item struct {
	key   string
	value []byte
}

// A section is what a record has of one kind, and what a difference in it is
// called. Keyed items are about the agent of that name, or the column or
// channel; others have no key.
type section struct {
	field string
	about bool // the key is an agent
	items func(r *Record) []item
}

// sections are a record's hashed part in the order in which two are compared:
// what comes about first is first.
var sections = []section{
	{"asked", true, turnItems(func(*Turn) []byte { return []byte("true") })},
	{"taken", true, turnItems(takenItem)},
	{"observation", true, turnItems(func(t *Turn) []byte { return t.Observation })},
	{"failure", true, turnItems(func(t *Turn) []byte { return []byte(t.Failure) })},
	{"action", true, turnItems(func(t *Turn) []byte { return t.Action })},
	{"policy", true, turnItems(func(t *Turn) []byte { return []byte(t.Policy) })},
	{"done", true, turnItems(func(t *Turn) []byte { return yes(t.Done) })},
	{"early", true, turnItems(func(t *Turn) []byte { return earlyItem(t.Early) })},
	{"unsent", true, turnItems(func(t *Turn) []byte { return yes(t.Unsent) })},
	{"send", true, func(r *Record) []item { return items(r.Messages, sendItem) }},
	{"fate", true, func(r *Record) []item { return items(r.Messages, fateItem) }},
	{"partition", false, func(r *Record) []item {
		return items(r.Partitions, func(x *Partition) item {
			l := line{}
			l.groups(x.Groups)
			return item{"", l.dst}
		})
	}},
	{"commit", true, func(r *Record) []item { return items(r.Commits, commitItem) }},
	{"lease", false, func(r *Record) []item { return items(r.Leases, leaseItem) }},
	{"result", true, func(r *Record) []item {
		return items(r.Results, func(x *Result) item { return item{x.Agent, x.JSON} })
	}},
	{"score", true, func(r *Record) []item {
		return items(r.Scores, func(x *Score) item { return item{x.Agent, x.Value} })
	}},
	{"column", false, func(r *Record) []item {
		return items(r.Columns, func(x *Column) item { return item{x.Name, x.Value} })
	}},
	{"event", false, func(r *Record) []item {
		return items(r.Events, func(x *[]byte) item { return item{"", *x} })
	}},
	{"added", false, func(r *Record) []item {
		return items(r.Added, func(x *Added) item {
			l := line{}
			l.begin()
			l.text("id", x.Agent)
			l.raw("config", x.Config)
			l.end()
			return item{"", l.dst}
		})
	}},
	{"removed", false, func(r *Record) []item {
		return items(r.Removed, func(x *string) item { return item{"", []byte(*x)} })
	}},
	{"channel", false, func(r *Record) []item {
		return items(r.Channels, func(x *Channel) item {
			l := line{dst: []byte{'{'}}
			l.texts("members", x.Members)
			l.end()
			return item{x.Name, l.dst}
		})
	}},
	{"end", false, func(r *Record) []item { return []item{{"", []byte(r.End)}} }},
}

// Compare finds the first difference between what is hashed of two records;
// nil where there is none. What it gives lies in them.
func Compare(a, b *Record) *Difference {
	for i := range sections {
		s := &sections[i]
		if d := s.compare(a.Tick, s.items(a), s.items(b)); d != nil {
			return d
		}
	}
	return nil
}

// compare walks two lists; those with keys are in the order of their keys.
func (s *section) compare(tick int, as, bs []item) *Difference {
	for i := 0; i < len(as) || i < len(bs); i++ {
		switch {
		case i == len(as):
			return s.differ(tick, bs[i].key, nil, bs[i].value)
		case i == len(bs):
			return s.differ(tick, as[i].key, as[i].value, nil)
		case as[i].key < bs[i].key:
			return s.differ(tick, as[i].key, as[i].value, nil)
		case as[i].key > bs[i].key:
			return s.differ(tick, bs[i].key, nil, bs[i].value)
		case !bytes.Equal(as[i].value, bs[i].value):
			return s.differ(tick, as[i].key, as[i].value, bs[i].value)
		}
	}
	return nil
}

// differ is the difference of two items with one key.
func (s *section) differ(tick int, key string, a, b []byte) *Difference {
	d := differ(tick, "", s.field, a, b)
	if d == nil { // one has an item that is empty, the other none
		d = &Difference{Tick: tick, Field: s.field, A: a, B: b}
	}
	switch {
	case s.about:
		d.Agent = key
	case key != "":
		d.Field += " " + key
	}
	return d
}

func items[T any](list []T, of func(*T) item) []item {
	out := make([]item, len(list))
	for i := range list {
		out[i] = of(&list[i])
	}
	return out
}

func turnItems(value func(t *Turn) []byte) func(r *Record) []item {
	return func(r *Record) []item {
		return items(r.Turns, func(t *Turn) item { return item{t.Agent, value(t)} })
	}
}

func yes(b bool) []byte {
	if b {
		return []byte("true")
	}
	return nil
}

// earlyItem is empty where nothing was sent before the act.
func earlyItem(n int) []byte {
	if n == 0 {
		return nil
	}
	return strconv.AppendInt(nil, int64(n), 10)
}

// takenItem is empty where the clock is not realtime.
func takenItem(t *Turn) []byte {
	if t.Taken == nil {
		return nil
	}
	l := line{}
	l.begin()
	l.taken(t.Taken)
	l.end()
	return l.dst
}

func sendItem(m *Message) item { return item{m.From, SendJSON(m.To, m.Channel, m.Body)} }

// fateItem is nothing where no fault hit a message.
func fateItem(m *Message) item {
	if m.Fate == nil {
		return item{m.From, nil}
	}
	l := line{dst: []byte{'{'}}
	l.fate(m.Fate)
	l.end()
	return item{m.From, l.dst}
}

// SendJSON is one message as an agent sends it: {"to" or "channel","body"}.
func SendJSON(to, channel string, body []byte) []byte {
	l := line{}
	l.begin()
	l.some("to", to)
	l.some("channel", channel)
	l.raw("body", body)
	l.end()
	return l.dst
}
