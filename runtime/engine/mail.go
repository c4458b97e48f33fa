package engine

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

const (
	// maxError is how long, quoted, the error of a second attempt may be.
	maxError = 2048
	// envelope is kept free in a line for everything but the observation, the
	// config, messages and results: keys, numbers, the agent's id, the error.
	envelope = 4096
	// maxObservation is the longest observation, config included, that a line
	// can carry.
	maxObservation = agent.MaxLine - envelope
	// maxMessage is the longest message, with all that a line adds to it: one
	// that fits beside every observation of under half a line, so that nobody
	// can block another's mail.
	maxMessage = agent.MaxLine/2 - envelope
	// maxName is how much of an unknown name is told back.
	maxName = 256
)

// whyEnded is what is told of a message to an agent that was one.
const whyEnded = "that agent has ended"

// whyNobody is what is told of a message to an agent that the sender may not write
// to, too: whether there is one is none of its business.
const whyNobody = "no such agent"

// whyNoChannel is what an agent is told of a message to a channel that it is not
// in, whether there is one or not: that is none of its business.
const whyNoChannel = "no such channel, or the sender is not in it"

// weight is how many bytes a message takes in an observe line, or more.
func weight(from, channel string, body []byte) int {
	n := len(`{"from":,"body":},`) + quoted(from) + max(len(body), len("null"))
	if channel != "" {
		n += len(`,"channel":`) + quoted(channel)
	}
	return n
}

// fit says how many of the waiting results and messages go with an observation
// of that many bytes: results first, then messages, each in order, until one
// does not fit. The rest waits.
func (m *member) fit(observation int) (messages, results int) {
	room := maxObservation - observation - len(m.config)
	for results < len(m.results) {
		if room -= len(m.results[results]) + 1; room < 0 {
			return 0, results
		}
		results++
	}
	for messages < len(m.mail) {
		msg := &m.mail[messages]
		if room -= weight(msg.From, msg.Channel, msg.Body); room < 0 {
			return messages, results
		}
		messages++
	}
	return messages, results
}

// outsider is the slot of who is no agent.
const outsider = -1

// refuse says why a message cannot be delivered, or nothing. Membership and
// aliveness are those at the barrier of the tick it is sent in, and so is who has
// written from outside: an agent may write back, which ends in the record. Who is no
// agent may send to every channel.
func (s *society) refuse(from int32, name, to, channel string, body []byte) string {
	switch {
	case (to == "") == (channel == ""):
		return "a message goes either to an agent or to a channel"
	case to != "":
		slot, ok := s.find(to)
		if !ok && (from == outsider || !s.outside[to]) || from != outsider && !s.plan.Entries[s.members[from].entry].Messages.May(to) {
			return whyNobody
		}
		if ok && !s.members[slot].alive {
			return whyEnded
		}
	default:
		c := s.channels[channel]
		switch {
		case from == outsider && c == nil:
			return "no such channel"
		case from != outsider && (c == nil || !c.has(from)):
			return whyNoChannel
		}
	}
	if weight(name, channel, body) > maxMessage {
		return fmt.Sprintf("the message is too long: it may have %d bytes", maxMessage)
	}
	return ""
}

// deliver puts a tick's messages and results into the boxes of those who get
// them.
func (s *society) deliver(rec *record.Record) {
	s.arrive(rec.Tick)
	rifts := make([]rift, len(rec.Partitions))
	for i := range rec.Partitions {
		rifts[i] = s.rift(rec.Partitions[i].Groups)
	}
	for i := range rec.Messages {
		m := &rec.Messages[i]
		from, ok := s.find(m.From)
		if !ok {
			from = outsider
		}
		if s.refuse(from, m.From, m.To, m.Channel, m.Body) != "" {
			continue
		}
		msg := agent.Message{From: m.From, Channel: m.Channel, Body: m.Body}
		if s.copies {
			msg.Body = bytes.Clone(m.Body)
		}
		if m.Fate != nil {
			s.misdeliver(rec, m, from, msg, rifts)
			continue
		}
		if m.To != "" {
			if slot, ok := s.find(m.To); ok { // else it goes outside
				s.post(slot, msg)
			}
			continue
		}
		for _, slot := range s.channels[m.Channel].members {
			if slot != from {
				s.post(slot, msg)
			}
		}
	}
	s.meet(rec)
	for _, r := range rec.Results {
		if slot, ok := s.find(r.Agent); ok && s.keeps(slot) {
			m := &s.members[slot]
			m.results = append(m.results, s.own(r.JSON))
			s.tell(slot)
		}
	}
}

// meet notes who has written from outside.
func (s *society) meet(rec *record.Record) {
	for i := range rec.Messages {
		from := rec.Messages[i].From
		if _, agent := s.find(from); agent || s.outside[from] {
			continue
		}
		if s.outside == nil {
			s.outside = map[string]bool{}
		}
		s.outside[strings.Clone(from)] = true
	}
}

func (s *society) post(slot int32, msg agent.Message) {
	if s.keeps(slot) {
		m := &s.members[slot]
		m.mail = append(m.mail, msg)
		s.tell(slot)
	}
}

func (s *society) tell(slot int32) {
	if s.arrived != nil {
		s.arrived(slot)
	}
}

func (s *society) keeps(slot int32) bool {
	return s.only == nil || s.only[s.members[slot].id]
}

func (s *society) own(b []byte) []byte {
	if s.copies {
		return bytes.Clone(b)
	}
	return b
}

// sendResult is what the sender of an undelivered message is told: which of its
// act it was, or which of its requests before.
func sendResult(tick int, request bool, position int, send agent.Send, why string) []byte {
	b := append(make([]byte, 0, 160), `{"type":"send","tick":`...)
	b = strconv.AppendInt(b, int64(tick), 10)
	if request {
		b = append(b, `,"request":`...)
	} else {
		b = append(b, `,"position":`...)
	}
	b = strconv.AppendInt(b, int64(position), 10)
	if send.To != "" {
		b = append(b, `,"to":`...)
		b = agent.AppendString(b, cut(send.To, maxName))
	}
	if send.Channel != "" {
		b = append(b, `,"channel":`...)
		b = agent.AppendString(b, cut(send.Channel, maxName))
	}
	b = append(b, `,"error":`...)
	b = agent.AppendString(b, why)
	return append(b, '}')
}
