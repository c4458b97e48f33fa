package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

var errMalformed = errors.New("malformed record")

// A decoder takes encoded records apart. The records' byte slices lie in what
// is decoded; their strings are shared between records where they repeat.
// The first fault sticks and makes everything after it empty.
type decoder struct {
	in  []byte
	at  int // what is before it is decoded: a moving slice would be a write barrier a field
	err error

	names  map[string]string // seen before
	agents []string          // of the last record's turns: mostly the next one's too
	scores []string          // and of its scores
}

// maxNames bounds what a decoder remembers.
const maxNames = 1 << 16

func newDecoder() *decoder { return &decoder{names: map[string]string{}} }

// record decodes both parts. Whatever is accepted encodes to the same bytes.
func (d *decoder) record(hashed, annex []byte) (*Record, error) {
	r := &Record{}
	d.in, d.at, d.err = hashed, 0, nil
	d.hashed(r)
	d.end("hashed part")
	if d.err == nil {
		d.in, d.at = annex, 0
		d.annex(r)
		d.end("annex")
	}
	d.in = nil
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

func (d *decoder) hashed(r *Record) {
	r.Tick = d.natural()
	r.Turns = d.turns()
	r.Messages = list(d, 4, func(m *Message) {
		m.From, m.To, m.Channel, m.Body = d.name(), d.name(), d.name(), d.bytes()
	})
	r.Results = list(d, 2, func(x *Result) { x.Agent, x.JSON = d.name(), d.bytes() })
	i := 0
	r.Scores = list(d, 2, func(x *Score) {
		x.Agent, x.Value = d.again(d.scores, i), d.bytes()
		i++
	})
	d.scores = remember(d.scores, r.Scores, func(x *Score) string { return x.Agent })
	r.Events = list(d, 1, func(x *[]byte) { *x = d.bytes() })
	r.Columns = list(d, 2, func(x *Column) { x.Name, x.Value = d.name(), d.bytes() })
	r.Added = list(d, 2, func(x *Added) { x.Agent, x.Config = d.name(), d.bytes() })
	r.Removed = list(d, 1, func(x *string) { *x = d.name() })
	r.Channels = list(d, 2, func(x *Channel) {
		x.Name = d.name()
		x.Members = list(d, 1, func(m *string) { *m = d.name() })
	})
	r.End = End(d.name())
	if d.err == nil && d.left() > 0 {
		d.faults(r)
	}
}

// mostFate bounds what a fate may say, so that a record of a few bytes takes
// no more than a few deliveries.
const mostFate = 1 << 24

// faults decodes what faults did, which is something where it is there.
func (d *decoder) faults(r *Record) {
	next := 0
	list(d, 4, func(*struct{}) {
		at := d.uvarint()
		f := &Fate{d.below(mostFate), d.below(mostFate), d.below(mostFate)}
		if at < uint64(next) || at >= uint64(len(r.Messages)) {
			d.fail("the fate of message %d, of %d", at, len(r.Messages))
			return
		}
		r.Messages[at].Fate = f
		next = int(at) + 1
	})
	r.Partitions = list(d, 1, func(x *Partition) {
		x.Groups = list(d, 1, func(g *[]string) {
			*g = list(d, 1, func(p *string) { *p = d.name() })
		})
	})
	switch {
	case d.err != nil:
	case d.left() > 0:
		d.shared(r)
	case next+len(r.Partitions) == 0:
		d.fail("no faults where some are announced")
	}
}

func (d *decoder) below(most uint64) int {
	n := d.uvarint()
	if n >= most {
		d.fail("a number of %d", n)
	}
	return int(n)
}

func (d *decoder) turns() []Turn {
	i := 0
	turns := list(d, 6, func(t *Turn) {
		t.Agent = d.again(d.agents, i)
		i++
		t.Observation = d.bytes()
		t.Failure, t.Policy = agent.Failure(d.name()), d.name()
		t.Action = d.bytes()
		flags := d.flags(flagDone | flagUnsent | flagTaken | flagEarly)
		t.Done, t.Unsent = flags&flagDone != 0, flags&flagUnsent != 0
		if flags&flagTaken != 0 {
			t.Taken = d.taken()
		}
		if flags&flagEarly != 0 {
			if t.Early = d.natural(); t.Early == 0 {
				d.fail("a turn is marked and sent no message before its act")
			}
		}
	})
	d.agents = remember(d.agents, turns, func(t *Turn) string { return t.Agent })
	return turns
}

func (d *decoder) taken() *Taken {
	return &Taken{Tick: d.natural(), Messages: d.natural(), Results: d.natural(), Redelivered: d.natural()}
}

// natural is a number of what there may be very many of.
func (d *decoder) natural() int {
	n := d.uvarint()
	if n > 1<<53 {
		d.fail("number %d", n)
		return 0
	}
	return int(n)
}

// again is a name that probably stood in the same place of the last record.
func (d *decoder) again(last []string, i int) string {
	p := d.bytes()
	if i < len(last) && last[i] == string(p) {
		return last[i]
	}
	return d.intern(p)
}

// remember makes ready for again. A list of none, such as one that could not
// be decoded, leaves things as they are.
func remember[T any](last []string, list []T, name func(*T) string) []string {
	if len(list) == 0 || len(list) > maxNames {
		return last
	}
	last = last[:0]
	for i := range list {
		last = append(last, name(&list[i]))
	}
	return last
}

func (d *decoder) annex(r *Record) {
	a := &r.Annex
	if ns := d.varint(); ns != 0 {
		a.Time = time.Unix(0, ns).UTC()
	}
	a.Elapsed = Elapsed{Ask: d.duration(), Step: d.duration(), Commit: d.duration()}
	a.Timed = int(d.varint())
	a.Attempts = list(d, 7, func(x *Attempt) {
		x.Agent, x.Attempt, x.Error = d.name(), int(d.varint()), string(d.bytes())
		x.Failure = agent.Failure(d.name())
		x.Act.Agent, x.Act.Tick = x.Agent, r.Tick
		x.Act.Action = d.bytes()
		x.Act.Send = list(d, 3, func(s *agent.Send) {
			s.To, s.Channel, s.Body = d.name(), d.name(), d.bytes()
		})
		flags := d.flags(flagDone | flagMarked)
		x.Act.Done = flags&flagDone != 0
		if flags&flagMarked != 0 {
			if x.Redelivered = d.natural(); x.Redelivered == 0 {
				d.fail("an attempt is marked and has no redelivered message")
			}
		}
	})
	a.Facts = list(d, 4, func(x *Fact) {
		x.Agent, x.Kind, x.Tick, x.Detail = d.name(), d.name(), int(d.varint()), string(d.bytes())
	})
	a.Usages = list(d, 11, func(x *Usage) {
		x.Agent, x.Model, x.Session = d.name(), d.name(), d.name()
		x.Attempt, x.Turns, x.Input, x.Output = int(d.varint()), int(d.varint()), int(d.varint()), int(d.varint())
		x.CacheRead, x.CacheWrite = int(d.varint()), int(d.varint())
		x.USD, x.Took = agent.USD(d.varint()), d.duration()
	})
	a.Answers = list(d, 2+len(Latency{}.Count), func(x *Latency) {
		x.Kind, x.Sum = d.name(), d.duration()
		for i := range x.Count {
			x.Count[i] = int(d.uvarint())
		}
	})
	if d.err == nil && d.left() > 0 {
		d.tail(r)
	}
}

// tail decodes what follows an annex, of which there is something.
func (d *decoder) tail(r *Record) {
	found := d.refused(r.Messages)
	if d.err == nil && d.left() > 0 {
		r.Annex.Elapsed.Observe = d.duration()
		found = r.Annex.Elapsed.Observe > 0
	}
	if d.err == nil && !found {
		d.fail("nothing follows the annex where something is announced")
	}
}

// refused decodes which messages were, and says whether there is one.
func (d *decoder) refused(messages []Message) bool {
	next := 0
	list(d, 1, func(*struct{}) {
		at := d.uvarint()
		if at < uint64(next) || at >= uint64(len(messages)) {
			d.fail("message %d is refused, of %d", at, len(messages))
			return
		}
		messages[at].Refused = true
		next = int(at) + 1
	})
	return next > 0
}

func (d *decoder) duration() time.Duration { return time.Duration(d.varint()) }

// list decodes a list whose items take at least size bytes each, so that what
// is made for it is in proportion to the input.
func list[T any](d *decoder, size int, item func(*T)) []T {
	n := d.uvarint()
	if n == 0 || d.err != nil {
		return nil
	}
	if n > uint64(d.left()/size) {
		d.fail("%d items in %d bytes", n, d.left())
		return nil
	}
	out := make([]T, n)
	for i := range out {
		if item(&out[i]); d.err != nil {
			return nil
		}
	}
	return out
}

func (d *decoder) fail(format string, v ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, v...))
		d.at = len(d.in)
	}
}

func (d *decoder) left() int { return len(d.in) - d.at }

func (d *decoder) end(part string) {
	if d.err == nil && d.left() > 0 {
		d.fail("%d bytes after its %s", d.left(), part)
	}
}

func (d *decoder) uvarint() uint64 {
	if d.at < len(d.in) && d.in[d.at] < 0x80 { // as nearly all are
		d.at++
		return uint64(d.in[d.at-1])
	}
	v, n, ok := uvarint(d.in[d.at:])
	if !ok {
		d.fail("a number is cut off or too long")
		return 0
	}
	d.at += n
	return v
}

// uvarint takes only the shortest form of a number.
func uvarint(p []byte) (v uint64, n int, ok bool) {
	v, n = binary.Uvarint(p)
	return v, n, n == 1 || n > 1 && p[n-1] != 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// bytes is nil where there are none.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(d.left()) {
		d.fail("%d bytes announced, %d left", n, d.left())
		return nil
	}
	if n == 0 {
		return nil
	}
	end := d.at + int(n)
	p := d.in[d.at:end:end]
	d.at = end
	return p
}

func (d *decoder) flags(known byte) byte {
	if d.left() == 0 || d.in[d.at]&^known != 0 {
		d.fail("flags are missing or unknown")
		return 0
	}
	d.at++
	return d.in[d.at-1]
}

func (d *decoder) name() string { return d.intern(d.bytes()) }

func (d *decoder) intern(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	if s, ok := d.names[string(p)]; ok {
		return s
	}
	s := string(p)
	if len(p) <= 128 && len(d.names) < maxNames {
		d.names[s] = s
	}
	return s
}
