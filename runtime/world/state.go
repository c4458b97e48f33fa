package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What built-in worlds keep between two ticks. What one of them draws hangs on the
// seed and on what it is for alone, so a state is the game itself; what follows
// from seed, config and agents (who meets whom, who lives beside whom, who is
// called what) is worked out again.

// writeState encodes a state.
func writeState(state any) ([]byte, error) {
	text, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the world's state: %w", err)
	}
	return text, nil
}

// readState decodes what an init carries. Unknown keys are an error: they are
// another world's, or another version's.
func readState(init Init, state any) error {
	if err := decodeStrict(init.State, state); err != nil {
		return badState("it is none of this kind of world: %w", err)
	}
	return nil
}

// decodeStrict decodes a text that has all of v's keys, or fewer, and no others.
func decodeStrict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}

// badState says what is wrong with a state.
func badState(format string, args ...any) error {
	return fmt.Errorf("cannot start the world from a state: "+format, args...)
}

// sameTick holds a state's tick against the one that the game is to go on with.
func sameTick(init Init, tick int) error {
	if tick != init.Tick || tick < 0 {
		return badState("it is of tick %d, and tick %d is to be played", tick, init.Tick)
	}
	return nil
}

// departed lists those who ended.
func (r *roster) departed() []string {
	var ids []string
	for who, gone := range r.gone {
		if gone {
			ids = append(ids, r.ids[who])
		}
	}
	return ids
}

// depart marks those who ended.
func (r *roster) depart(ids []string) error {
	for _, id := range ids {
		who, ok := r.index[id]
		if !ok {
			return badState("it names agent %q, which does not play", shorten(id))
		}
		r.gone[who] = true
	}
	return nil
}
