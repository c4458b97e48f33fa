package observe

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// appendFrame appends what is to be known after the picture's tick by who knew the
// run after an earlier one, or nothing of it (-1); see frameRoutes. Who knew more
// than there is, or is too far back, is told all.
func (p *picture) appendFrame(dst []byte, since int) []byte {
	before, ok := p.before(since)
	if since < 0 || since > p.tick || !ok {
		since, before = -1, counts{}
	}
	dst = append(dst, `{"tick":`...)
	dst = strconv.AppendInt(dst, int64(p.tick), 10)
	dst = append(dst, `,"since":`...)
	dst = strconv.AppendInt(dst, int64(since), 10)
	dst = append(dst, `,"hash":"`...)
	dst = hex.AppendEncode(dst, p.hash[:])
	dst = append(dst, '"')
	if !p.time.IsZero() {
		dst = append(dst, `,"time":"`...)
		dst = p.time.UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, '"')
	}
	if p.end != record.NotEnded {
		dst = append(dst, `,"end":`...)
		dst = agent.AppendString(dst, string(StatusOf(p.end)))
	}
	dst = p.appendColumns(dst, since)
	dst = p.appendScores(dst, since)
	if since < 0 {
		dst = p.appendRace(dst)
	}
	if p.cells != nil {
		dst = p.cells.appendAfter(dst, since)
	}
	dst = p.appendFailures(dst, since)
	dst = appendTexts(dst, "messages", p.messages.after(since, mostMessages), p.messages.total-before.messages)
	dst = appendTexts(dst, "events", p.events.after(since, mostEvents), p.events.total-before.events)
	dst = p.appendRoster(dst, since)
	return append(dst, '}')
}

// appendMap appends a member of the frame that is an object by name, sorted, of
// what is younger than since; nothing where all is older.
func appendMap[T any](dst []byte, key string, all map[string]T, younger func(T) bool, value func([]byte, T) []byte) []byte {
	var names []string
	for name, x := range all {
		if younger(x) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return dst
	}
	slices.Sort(names)
	dst = append(append(append(dst, `,"`...), key...), `":{`...)
	for i, name := range names {
		dst = agent.AppendString(comma(dst, i), name)
		dst = value(append(dst, ':'), all[name])
	}
	return append(dst, '}')
}

func (p *picture) appendColumns(dst []byte, since int) []byte {
	return appendMap(dst, "columns", p.columns, func(s *curve) bool { return s.recent[len(s.recent)-1].tick > since },
		func(dst []byte, s *curve) []byte {
			dst = append(dst, '[')
			for i, x := range s.after(since) {
				dst = appendPoint(comma(dst, i), x)
			}
			return append(dst, ']')
		})
}

func (p *picture) appendScores(dst []byte, since int) []byte {
	return appendMap(dst, "scores", p.scores, func(s scored) bool { return s.tick > since },
		func(dst []byte, s scored) []byte { return append(dst, s.value...) })
}

func (p *picture) appendFailures(dst []byte, since int) []byte {
	return appendMap(dst, "failures", p.failures, func(f failings) bool { return f.tick > since },
		func(dst []byte, f failings) []byte {
			dst = strconv.AppendInt(append(dst, `{"count":`...), int64(f.count), 10)
			dst = agent.AppendString(append(dst, `,"type":`...), string(f.failure))
			dst = strconv.AppendInt(append(dst, `,"tick":`...), int64(f.tick), 10)
			return append(dst, '}')
		})
}

// appendTexts appends messages or events, and how many more there were.
func appendTexts(dst []byte, key string, list []text, total int) []byte {
	if total <= 0 {
		return dst
	}
	dst = append(append(append(dst, `,"`...), key...), `":[`...)
	for i := range list {
		dst = append(comma(dst, i), list[i].json...)
	}
	dst = append(dst, ']')
	if left := total - len(list); left > 0 {
		dst = append(append(append(dst, `,"`...), key...), `_left_out":`...)
		dst = strconv.AppendInt(dst, int64(left), 10)
	}
	return dst
}

// appendRoster appends who came and is still there, and who of those known went.
func (p *picture) appendRoster(dst []byte, since int) []byte {
	var came, went []string
	for id, tick := range p.came {
		if _, gone := p.went[id]; tick > since && !gone {
			came = append(came, id)
		}
	}
	for id, tick := range p.went {
		if came, later := p.came[id]; tick > since && (!later || came <= since) {
			went = append(went, id)
		}
	}
	slices.Sort(came)
	slices.Sort(went)
	for i, id := range came {
		dst = append(dst, [...]string{`,"came":[`, `,`}[min(i, 1)]...)
		dst = agent.AppendString(append(dst, `{"agent":`...), id)
		if entry, ok := p.plan.EntryOf(id); ok {
			dst = agent.AppendString(append(dst, `,"entry":`...), p.plan.Entries[entry].ID)
		}
		dst = append(dst, '}')
	}
	if len(came) > 0 {
		dst = append(dst, ']')
	}
	for i, id := range went {
		dst = append(dst, [...]string{`,"went":[`, `,`}[min(i, 1)]...)
		dst = agent.AppendString(dst, id)
	}
	if len(went) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// appendEvent appends one of the world's events with its tick.
func appendEvent(dst []byte, tick int, event []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"tick":`...), int64(tick), 10)
	return append(append(append(dst, `,"event":`...), event...), '}')
}
