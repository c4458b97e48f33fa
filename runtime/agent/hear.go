package agent

import (
	"fmt"
	"time"
)

// heard is a line of the runtime, taken apart. It shares the line's memory.
type heard struct {
	typ, run, agent, seed, config, state, reason                     raw
	tick, deadline, observation, messages, results, attempt, problem raw
}

func (h *heard) named(name []byte) *raw {
	switch string(name) {
	case "type":
		return &h.typ
	case "run":
		return &h.run
	case "agent":
		return &h.agent
	case "seed":
		return &h.seed
	case "config":
		return &h.config
	case "state":
		return &h.state
	case "reason":
		return &h.reason
	case "tick":
		return &h.tick
	case "deadline_ms":
		return &h.deadline
	case "observation":
		return &h.observation
	case "messages":
		return &h.messages
	case "results":
		return &h.results
	case "attempt":
		return &h.attempt
	case "error":
		return &h.problem
	}
	return nil
}

// hear takes a line of the runtime apart.
func hear(line []byte) (h heard, err error) {
	s := scan{data: line}
	if s.open('{') {
		for first := true; s.member(first); first = false {
			if into := h.named(s.name()); into != nil {
				*into = s.val
			}
		}
	}
	if s.err != nil {
		return h, fmt.Errorf("cannot read a line of the runtime: %w", s.err)
	}
	return h, nil
}

// name is the agent that the line is about, and shares the line's memory
// where it can.
func (h *heard) name() []byte {
	switch {
	case len(h.agent.text) < 2 || h.agent.text[0] != '"':
		return nil
	case h.agent.escaped:
		return appendUnquoted(nil, h.agent.text)
	}
	return h.agent.text[1 : len(h.agent.text)-1]
}

// init copies what an init line says, or what an observe line says in its
// place.
func (h *heard) init() Init {
	in := Init{Agent: string(h.name()), Config: h.config.compact(), State: h.state.compact()}
	in.Run, _ = h.run.str()
	seed, _ := h.seed.whole("seed")
	in.Seed = uint64(seed)
	if len(in.Config) == 0 {
		in.Config = []byte("{}")
	}
	return in
}

// observe fills o, whose lists are used again. The agent's name is the
// caller's to fill in.
func (h *heard) observe(o *Observe) error {
	var reason string
	if o.Tick, reason = h.tick.whole("tick"); reason != "" {
		return fmt.Errorf("cannot read an observe line: %s", reason)
	}
	o.Attempt, o.Error, o.Deadline = 1, "", 0
	if len(h.attempt.text) > 0 {
		o.Attempt, _ = h.attempt.whole("attempt")
		o.Error, _ = h.problem.str()
	}
	if len(h.deadline.text) > 0 {
		ms, _ := h.deadline.whole("deadline_ms")
		o.Deadline = time.Duration(ms) * time.Millisecond
	}
	o.Observation = h.observation.text
	if len(o.Observation) == 0 {
		o.Observation = []byte("null")
	}
	o.Messages = h.mail(o.Messages[:0])
	o.Results = items(o.Results[:0], h.results.text)
	return nil
}

// mail appends the messages of an observe line.
func (h *heard) mail(list []Message) []Message {
	if len(h.messages.text) <= len("[]") {
		return list
	}
	s := scan{data: h.messages.text}
	if !s.open('[') {
		return list
	}
	for first := true; s.item(first); first = false {
		list = append(list, oneMessage(s.val.text))
	}
	return list
}

func oneMessage(item []byte) (m Message) {
	s := scan{data: item}
	if !s.open('{') {
		return m
	}
	for first := true; s.member(first); first = false {
		switch string(s.name()) {
		case "from":
			m.From, _ = s.val.str()
		case "channel":
			m.Channel, _ = s.val.str()
		case "body":
			m.Body = s.val.text
		case "redelivered":
			m.Redelivered = string(s.val.text) == "true"
		}
	}
	return m
}

// items appends the items of an array that was scanned before.
func items(list [][]byte, array []byte) [][]byte {
	if len(array) <= len("[]") {
		return list
	}
	s := scan{data: array}
	if !s.open('[') {
		return list
	}
	for first := true; s.item(first); first = false {
		list = append(list, s.val.text)
	}
	return list
}
