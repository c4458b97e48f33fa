package agent

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// A Player is one agent as its author writes it. Those of one process are
// called one at a time.
//
// A player may also be a Keeper or a Stopper.
type Player interface {
	Play(o Observation) Reply
}

// A Keeper can tell its state, so that another process can take over: Start
// carries it there, and Start.Restore decodes it. A PlayerFunc has nothing to
// tell and is restored as it is; any other player under the state snapshot is a
// Keeper.
type Keeper interface {
	// Snapshot returns what encoding/json can encode, nil where there is
	// nothing to remember. How far the agent's Rand was drawn is no part of it:
	// the client keeps that itself, and a restored agent draws on from there.
	Snapshot() (any, error)
}

// A Stopper wants to know that its run is over for it.
type Stopper interface {
	Stop(reason string)
}

// PlayerFunc is a Player that needs no state of its own.
type PlayerFunc func(o Observation) Reply

// Play calls f.
func (f PlayerFunc) Play(o Observation) Reply { return f(o) }

// Start is what an agent is told before anything else. Its slices are the
// agent's to keep.
type Start struct {
	Init
	Rand *rand.Rand // from the agent's seed, or where its state has it: the only chance that a run repeats
}

// Unmarshal decodes the agent's config into v, a pointer.
func (s Start) Unmarshal(v any) error {
	if err := json.Unmarshal(s.Config, v); err != nil {
		return fmt.Errorf("cannot read the config of %s: %w", s.Agent, err)
	}
	return nil
}

// Restore decodes an earlier snapshot into v, a pointer, if there is one.
func (s Start) Restore(v any) error {
	if len(s.State) == 0 || string(s.State) == "null" {
		return nil
	}
	if err := json.Unmarshal(s.State, v); err != nil {
		return fmt.Errorf("cannot read the state of %s: %w", s.Agent, err)
	}
	return nil
}

// An Observation asks an agent for its action. Everything in it, messages
// included, is valid until the agent has answered.
type Observation struct {
	Observe
	Rand *rand.Rand // the agent's, as in its Start
}

// Unmarshal decodes the observation into v, a pointer.
func (o Observation) Unmarshal(v any) error {
	if err := json.Unmarshal(o.Observation, v); err != nil {
		return fmt.Errorf("cannot read the observation of %s at tick %d: %w", o.Agent, o.Tick, err)
	}
	return nil
}

// Unmarshal decodes the message's body into v, a pointer.
func (m Message) Unmarshal(v any) error {
	if err := json.Unmarshal(m.Body, v); err != nil {
		return fmt.Errorf("cannot read the message from %s: %w", m.From, err)
	}
	return nil
}

// Act answers with an action: whatever encoding/json can encode. A
// json.RawMessage is sent as it is, and has to be valid and on one line.
func (o Observation) Act(action any) Reply {
	text, err := encode(action)
	return Reply{act: Act{Action: text}, err: err}
}

// Fail answers nothing: the process ends with this error, which the runtime
// takes for a crash.
func (o Observation) Fail(err error) Reply {
	return Reply{err: err}
}

// A Reply is an agent's answer to one observation.
type Reply struct {
	act Act
	err error
}

// Send adds a message to one agent, delivered with its next observation.
func (r Reply) Send(to string, body any) Reply {
	return r.with(Send{To: to}, body)
}

// Say adds a message to all others in a channel.
func (r Reply) Say(channel string, body any) Reply {
	return r.with(Send{Channel: channel}, body)
}

// Done makes this the agent's last answer: it is never asked again.
func (r Reply) Done() Reply {
	r.act.Done = true
	return r
}

func (r Reply) with(m Send, body any) Reply {
	text, err := encode(body)
	if err != nil && r.err == nil {
		r.err = err
	}
	m.Body = text
	r.act.Send = append(r.act.Send, m)
	return r
}

func encode(v any) ([]byte, error) {
	if text, ok := v.(json.RawMessage); ok {
		return text, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cannot encode an answer: %w", err)
	}
	return text, nil
}
