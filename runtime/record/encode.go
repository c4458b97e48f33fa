package record

import (
	"encoding/binary"
	"time"
)

// appendHashed appends the hashed part of a record: its canonical encoding,
// equal for equal records on every machine. The chain of hashes runs over it:
//
//	H(t+1) = SHA-256(H(t) ‖ hashed part of tick t)
//
// where ‖ joins the 32 bytes of H(t) and the encoding without anything
// between. The encoding is made of
//
//	number   an unsigned LEB128 of the fewest bytes that hold it
//	bytes    a number n, then n bytes; absent and empty are the same
//	text     bytes that are a name or a word of this program
//	json     bytes that are compact JSON as received
//	list(x)  a number n, then n times x
//
// and is, in this order, without padding or field tags:
//
//	number                                    tick
//	list(text, json, text, text, json, number)
//	                                          turns: agent, observation, failure, policy,
//	                                          action, 1 if done plus 2 if unsent plus 4 if
//	                                          four numbers follow: the tick it was asked in
//	                                          and how many messages, results and redelivered
//	                                          messages it was told; plus 8 if, behind them, the
//	                                          number follows of its messages that it sent
//	                                          before it acted
//	list(text, text, text, json)              messages: from, to, channel, body
//	list(text, json)                          results: agent, result
//	list(text, json)                          scores: agent, value
//	list(json)                                the world's events
//	list(text, json)                          columns: name, value
//	list(text, json)                          added: agent, config
//	list(text)                                removed: agent
//	list(text, list(text))                    channels: name, members
//	text                                      end
//
// and then, in a tick in which faults of the scenario hit a message,
//
//	list(number, number, number, number)      fates: place among the messages, copies,
//	                                          ticks of delay, recipients cut off
//	list(list(list(text)))                    partitions: groups of patterns
//
// and then, in a tick in which something came about in the shared tree, in which
// these two are there too, though they be empty,
//
//	list(number, text, number, text, list(text, number, bytes))
//	                                          commits: number, author, position of the request,
//	                                          message; of each file its path, 1 if deleted plus
//	                                          2 if executable, content
//	list(text, number, text, number, number, number, list(text), text)
//	                                          leases: agent, position, what came about, ticket,
//	                                          token, ticks that it lasts, paths, why it ended
//
// The order within each list is that of Record's fields.
func appendHashed(dst []byte, r *Record) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Tick))
	dst = appendTurns(dst, r.Turns)
	dst = appendCount(dst, len(r.Messages))
	for i := range r.Messages {
		m := &r.Messages[i]
		dst = appendBytes(dst, m.From)
		dst = appendBytes(dst, m.To)
		dst = appendBytes(dst, m.Channel)
		dst = appendBytes(dst, m.Body)
	}
	dst = appendCount(dst, len(r.Results))
	for i := range r.Results {
		dst = appendPair(dst, r.Results[i].Agent, r.Results[i].JSON)
	}
	dst = appendCount(dst, len(r.Scores))
	for i := range r.Scores {
		dst = appendPair(dst, r.Scores[i].Agent, r.Scores[i].Value)
	}
	dst = appendCount(dst, len(r.Events))
	for _, e := range r.Events {
		dst = appendBytes(dst, e)
	}
	dst = appendCount(dst, len(r.Columns))
	for i := range r.Columns {
		dst = appendPair(dst, r.Columns[i].Name, r.Columns[i].Value)
	}
	dst = appendCount(dst, len(r.Added))
	for i := range r.Added {
		dst = appendPair(dst, r.Added[i].Agent, r.Added[i].Config)
	}
	dst = appendNames(dst, r.Removed)
	dst = appendCount(dst, len(r.Channels))
	for i := range r.Channels {
		dst = appendBytes(dst, r.Channels[i].Name)
		dst = appendNames(dst, r.Channels[i].Members)
	}
	return appendFaults(appendBytes(dst, string(r.End)), r)
}

// appendFaults appends nothing where there were none.
func appendFaults(dst []byte, r *Record) []byte {
	hit := 0
	for i := range r.Messages {
		if r.Messages[i].Fate != nil {
			hit++
		}
	}
	if hit+len(r.Partitions)+len(r.Commits)+len(r.Leases) == 0 {
		return dst
	}
	dst = appendCount(dst, hit)
	for i := range r.Messages {
		if f := r.Messages[i].Fate; f != nil {
			for _, n := range []int{i, f.Copies, f.Delay, f.Cut} {
				dst = appendCount(dst, n)
			}
		}
	}
	dst = appendCount(dst, len(r.Partitions))
	for i := range r.Partitions {
		dst = appendCount(dst, len(r.Partitions[i].Groups))
		for _, group := range r.Partitions[i].Groups {
			dst = appendNames(dst, group)
		}
	}
	return appendShared(dst, r)
}

const (
	flagDone   = 1
	flagUnsent = 2
	flagTaken  = 4 // of a turn
	flagEarly  = 8 // of a turn: how many messages came before its act follows
	flagMarked = 4 // of an attempt: how many messages were redelivered follows
)

// roughSize is how many bytes a record of many turns or messages takes, or a
// few more: its encoding is not to grow by copies.
func roughSize(r *Record) int {
	const numbers = 8 // of a turn or a message
	n := 1 << 10
	for i := range r.Turns {
		t := &r.Turns[i]
		n += numbers + len(t.Agent) + len(t.Observation) + len(t.Failure) + len(t.Policy) + len(t.Action)
	}
	for i := range r.Messages {
		m := &r.Messages[i]
		n += numbers + len(m.From) + len(m.To) + len(m.Channel) + len(m.Body)
	}
	for i := range r.Commits {
		for j := range r.Commits[i].Changes {
			n += numbers + len(r.Commits[i].Changes[j].Path) + len(r.Commits[i].Changes[j].Content)
		}
	}
	return n
}

func appendTurns(dst []byte, turns []Turn) []byte {
	dst = appendCount(dst, len(turns))
	for i := range turns {
		t := &turns[i]
		dst = appendBytes(dst, t.Agent)
		dst = appendBytes(dst, t.Observation)
		dst = appendBytes(dst, string(t.Failure))
		dst = appendBytes(dst, t.Policy)
		dst = appendBytes(dst, t.Action)
		var flags byte
		if t.Done {
			flags |= flagDone
		}
		if t.Unsent {
			flags |= flagUnsent
		}
		if t.Taken != nil {
			flags |= flagTaken
		}
		if t.Early > 0 {
			flags |= flagEarly
		}
		dst = append(dst, flags)
		if x := t.Taken; x != nil {
			for _, n := range []int{x.Tick, x.Messages, x.Results, x.Redelivered} {
				dst = binary.AppendUvarint(dst, uint64(n))
			}
		}
		if t.Early > 0 {
			dst = appendCount(dst, t.Early)
		}
	}
	return dst
}

// appendAnnex appends what is not hashed, in the same manner; times and
// signed numbers are zigzag LEB128, times in nanoseconds, 0 for none.
func appendAnnex(dst []byte, a *Annex) []byte {
	dst = binary.AppendVarint(dst, nanoseconds(a.Time))
	dst = binary.AppendVarint(dst, int64(a.Elapsed.Ask))
	dst = binary.AppendVarint(dst, int64(a.Elapsed.Step))
	dst = binary.AppendVarint(dst, int64(a.Elapsed.Commit))
	dst = binary.AppendVarint(dst, int64(a.Timed))
	dst = appendCount(dst, len(a.Attempts))
	for i := range a.Attempts {
		t := &a.Attempts[i]
		dst = appendBytes(dst, t.Agent)
		dst = binary.AppendVarint(dst, int64(t.Attempt))
		dst = appendBytes(dst, t.Error)
		dst = appendBytes(dst, string(t.Failure))
		dst = appendBytes(dst, t.Act.Action)
		dst = appendCount(dst, len(t.Act.Send))
		for j := range t.Act.Send {
			s := &t.Act.Send[j]
			dst = appendBytes(dst, s.To)
			dst = appendBytes(dst, s.Channel)
			dst = appendBytes(dst, s.Body)
		}
		var flags byte
		if t.Act.Done {
			flags |= flagDone
		}
		if t.Redelivered > 0 {
			flags |= flagMarked
		}
		dst = append(dst, flags)
		if t.Redelivered > 0 {
			dst = binary.AppendUvarint(dst, uint64(t.Redelivered))
		}
	}
	dst = appendCount(dst, len(a.Facts))
	for i := range a.Facts {
		f := &a.Facts[i]
		dst = appendBytes(dst, f.Agent)
		dst = appendBytes(dst, f.Kind)
		dst = binary.AppendVarint(dst, int64(f.Tick))
		dst = appendBytes(dst, f.Detail)
	}
	dst = appendCount(dst, len(a.Usages))
	for i := range a.Usages {
		dst = appendUsage(dst, &a.Usages[i])
	}
	dst = appendCount(dst, len(a.Answers))
	for i := range a.Answers {
		dst = appendLatency(dst, &a.Answers[i])
	}
	return dst
}

// appendTail follows the annex: it appends which messages were refused and how
// long the observes took, and nothing where there is neither.
func appendTail(dst []byte, r *Record) []byte {
	n := 0
	for i := range r.Messages {
		if r.Messages[i].Refused {
			n++
		}
	}
	took := r.Annex.Elapsed.Observe
	if n == 0 && took <= 0 {
		return dst
	}
	dst = appendCount(dst, n)
	for i := range r.Messages {
		if r.Messages[i].Refused {
			dst = appendCount(dst, i)
		}
	}
	if took > 0 {
		dst = binary.AppendVarint(dst, int64(took))
	}
	return dst
}

func appendUsage(dst []byte, u *Usage) []byte {
	dst = appendBytes(dst, u.Agent)
	dst = appendBytes(dst, u.Model)
	dst = appendBytes(dst, u.Session)
	for _, n := range []int64{
		int64(u.Attempt), int64(u.Turns), int64(u.Input), int64(u.Output),
		int64(u.CacheRead), int64(u.CacheWrite), int64(u.USD), int64(u.Took),
	} {
		dst = binary.AppendVarint(dst, n)
	}
	return dst
}

func appendLatency(dst []byte, l *Latency) []byte {
	dst = appendBytes(dst, l.Kind)
	dst = binary.AppendVarint(dst, int64(l.Sum))
	for _, n := range l.Count {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	return dst
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func appendCount(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)) }

func appendBytes[T string | []byte](dst []byte, p T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(p))), p...)
}

func appendPair(dst []byte, name string, value []byte) []byte {
	return appendBytes(appendBytes(dst, name), value)
}

func appendNames(dst []byte, names []string) []byte {
	dst = appendCount(dst, len(names))
	for _, n := range names {
		dst = appendBytes(dst, n)
	}
	return dst
}
