package agent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
)

// A state on the wire, as ServeOn writes it and understands it again, is
//
//	{"state":…,"rand":"…"}
//
// with what the player's Snapshot returned and with how far Start.Rand was
// drawn (rand.PCG's own encoding, in base64). Either is left out where there is
// nothing to tell; a player that has no memory and drew nothing is null.
type keptState struct {
	State json.RawMessage `json:"state"`
	Rand  []byte          `json:"rand"`
}

// newSource is where an agent's random numbers come from.
func newSource(seed uint64) *rand.PCG { return rand.NewPCG(seed, 0) }

// keep appends the agent's state.
func (at *seat) keep(dst []byte) ([]byte, error) {
	state, err := at.memory()
	if err != nil {
		return nil, err
	}
	drawn, err := at.source.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if fresh, err := newSource(at.seed).MarshalBinary(); err == nil && bytes.Equal(drawn, fresh) {
		drawn = nil
	}
	if len(drawn) == 0 && string(state) == "null" {
		return append(dst, `null`...), nil
	}
	dst = append(dst, '{')
	if string(state) != "null" {
		dst = append(append(dst, `"state":`...), state...)
		if len(drawn) > 0 {
			dst = append(dst, ',')
		}
	}
	if len(drawn) > 0 {
		dst = append(dst, `"rand":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, drawn), '"')
	}
	return append(dst, '}'), nil
}

// memory is the player's own state.
func (at *seat) memory() ([]byte, error) {
	if keeper, ok := at.player.(Keeper); ok {
		state, err := keeper.Snapshot()
		if err != nil {
			return nil, err
		}
		text, err := encode(state)
		if len(text) == 0 && err == nil { // an empty json.RawMessage
			text = []byte("null")
		}
		return text, err
	}
	if _, ok := at.player.(PlayerFunc); ok {
		return []byte("null"), nil
	}
	return nil, errors.New("it has no method Snapshot; one that has nothing to remember returns nil there")
}

// resume takes the source to where a state has it, and leaves of the state in
// what is the player's.
func (at *seat) resume(in *Init) error {
	if len(in.State) == 0 || string(in.State) == "null" {
		return nil
	}
	var kept keptState
	dec := json.NewDecoder(bytes.NewReader(in.State))
	dec.DisallowUnknownFields()
	err := dec.Decode(&kept)
	if err == nil && len(kept.Rand) > 0 {
		err = at.source.UnmarshalBinary(kept.Rand)
	}
	if err != nil {
		return fmt.Errorf("its state is none that this client wrote: %w", err)
	}
	in.State = kept.State
	return nil
}
