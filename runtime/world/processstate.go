package world

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A processState is the state of a world that is a process: what it told, and
// who came and went, against which the next process's answers are held.
type processState struct {
	Added   []string        `json:"added,omitempty"`   // since the run's start, in order
	Left    []string        `json:"left,omitempty"`    // those who ended themselves
	Removed []string        `json:"removed,omitempty"` // those whom the world removed
	State   json.RawMessage `json:"state"`
}

// giveState is a snapshot of the game whose process told state.
func (p *process) giveState(state []byte) ([]byte, error) {
	s := processState{Added: p.added, State: state}
	for _, id := range sortedKeys(p.who) {
		switch p.who[id] {
		case left:
			s.Left = append(s.Left, id)
		case removed:
			s.Removed = append(s.Removed, id)
		}
	}
	// The world's own text stays as it is: encoding/json would write it anew.
	head, err := json.Marshal(processState{Added: s.Added, Left: s.Left, Removed: s.Removed, State: []byte("0")})
	if err != nil {
		return nil, fmt.Errorf("cannot encode the world's state: %w", err)
	}
	head = append(head[:len(head)-len("0}")], state...)
	return append(head, '}'), nil
}

// takeState enters who came and went into the census, which has those of the
// run's start, and gives what the process told.
func (p *process) takeState(text []byte) ([]byte, error) {
	var s processState
	if err := decodeStrict(text, &s); err != nil {
		return nil, err
	}
	if len(s.State) == 0 {
		return nil, errors.New("it lacks what the world's process told")
	}
	for _, id := range s.Added {
		if p.who[id] != unknown {
			return nil, fmt.Errorf("agent %q is added, and was there", shorten(id))
		}
		p.who[id] = lives
	}
	for _, gone := range []struct {
		ids []string
		to  standing
	}{{s.Left, left}, {s.Removed, removed}} {
		for _, id := range gone.ids {
			if p.who[id] != lives {
				return nil, fmt.Errorf("agent %q went, and was not there", shorten(id))
			}
			p.who[id] = gone.to
		}
	}
	p.added = s.Added
	return s.State, nil
}
