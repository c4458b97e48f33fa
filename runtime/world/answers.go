package world

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A standing is what an agent is to its world.
type standing uint8

const (
	unknown standing = iota
	lives
	left    // ended itself
	removed // by the world
)

// A census is every agent a game has had. What a world says of agents is held
// against it.
type census map[string]standing

// readyLine is what a world's ready says.
type readyLine struct {
	Ready
	snapshot bool
}

func decodeReady(l line, who census) (readyLine, error) {
	var ready readyLine
	var err error
	if ready.Observations, err = decodeObservations(l, who); err != nil {
		return readyLine{}, err
	}
	if ready.snapshot, err = l.truth("snapshot"); err != nil {
		return readyLine{}, err
	}
	ready.Noop = bytes.Clone(l.fields["noop"])
	schemas, ok, err := l.object("action_schema")
	if err != nil || !ok {
		return ready, err
	}
	ready.ActionSchemas = make(map[string][]byte)
	return ready, members(schemas, func(pattern string, schema []byte) error {
		ready.ActionSchemas[pattern] = bytes.Clone(schema)
		return nil
	})
}

// decodeStepped reads a world's answer to a step. It changes who: those who
// come and go are in it once it returned without an error.
func decodeStepped(l line, tick int, who census) (Stepped, error) {
	if err := checkTick(l, tick, false); err != nil {
		return Stepped{}, err
	}
	var s Stepped
	var err error
	if s.Add, err = decodeAgents(l, "add"); err != nil {
		return Stepped{}, err
	}
	if s.Remove, err = decodeNames(l.where("remove"), l.fields["remove"]); err != nil {
		return Stepped{}, err
	}
	undo, err := who.change(l, s.Add, s.Remove)
	if err != nil {
		undo()
		return Stepped{}, err
	}
	for _, decode := range []func() error{
		func() (err error) { s.Observations, err = decodeObservations(l, who); return err },
		func() (err error) { s.Scores, err = decodeScores(l, who); return err },
		func() (err error) { s.Columns, err = decodeColumns(l); return err },
		func() (err error) { s.Events, err = decodeEvents(l); return err },
		func() (err error) { s.Channels, err = decodeChannels(l, who); return err },
		func() (err error) { s.Done, err = l.truth("done"); return err },
	} {
		if err := decode(); err != nil {
			undo()
			return Stepped{}, err
		}
	}
	return s, nil
}

// change enters who comes and goes. Undo takes it back, as far as it came.
func (who census) change(l line, add []Agent, remove []string) (undo func(), err error) {
	before := make(census)
	undo = func() {
		for id, standing := range before {
			who[id] = standing
		}
	}
	enter := func(id string, to standing) {
		before[id] = who[id]
		who[id] = to
	}
	for _, id := range remove {
		switch who[id] {
		case unknown:
			return undo, malformed(l.where("remove"), "names %q, which never was", shorten(id))
		case removed:
			return undo, malformed(l.where("remove"), "names %q, which was removed already", shorten(id))
		case lives:
			enter(id, removed)
		}
	}
	for _, a := range add {
		if who[a.ID] != unknown {
			return undo, malformed(l.where("add"), "names %q, which is or was there already; a new agent has a new id", shorten(a.ID))
		}
		enter(a.ID, lives)
	}
	return undo, nil
}

func decodeObservations(l line, who census) ([]Observation, error) {
	object, ok, err := l.object("observations")
	if err != nil || !ok {
		return nil, err
	}
	where := l.where("observations")
	var all []Observation
	err = members(object, func(id string, value []byte) error {
		switch who[id] {
		case left: // the world may not have understood that it ended
		case lives:
			all = append(all, Observation{Agent: id, JSON: value})
		case removed:
			return malformed(at(where, id), "is for an agent that was removed")
		default:
			return malformed(at(where, id), "is for an agent that is not there")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byName(all, func(o Observation) string { return o.Agent })
	if i := repeated(all, func(o Observation) string { return o.Agent }); i >= 0 {
		return nil, malformed(at(where, all[i].Agent), "is there twice")
	}
	return all, nil
}

func decodeScores(l line, who census) ([]Score, error) {
	object, ok, err := l.object("scores")
	if err != nil || !ok {
		return nil, err
	}
	where := l.where("scores")
	var all []Score
	err = members(object, func(id string, value []byte) error {
		if who[id] == unknown {
			return malformed(at(where, id), "is for an agent that never was")
		}
		f, err := strconv.ParseFloat(string(value), 64)
		if value[0] == '"' || err != nil || math.IsInf(f, 0) {
			return malformed(at(where, id), "is %s where a number is wanted", shorten(string(value)))
		}
		all = append(all, Score{Agent: id, Value: bytes.Clone(value)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	byName(all, func(s Score) string { return s.Agent })
	if i := repeated(all, func(s Score) string { return s.Agent }); i >= 0 {
		return nil, malformed(at(where, all[i].Agent), "is there twice")
	}
	return all, nil
}

func decodeColumns(l line) ([]Column, error) {
	object, ok, err := l.object("columns")
	if err != nil || !ok {
		return nil, err
	}
	var all []Column
	err = members(object, func(name string, value []byte) error {
		if name == "" {
			return malformed(l.where("columns"), "has a column without a name")
		}
		all = append(all, Column{Name: name, Value: bytes.Clone(value)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	byName(all, func(c Column) string { return c.Name })
	if i := repeated(all, func(c Column) string { return c.Name }); i >= 0 {
		return nil, malformed(at(l.where("columns"), all[i].Name), "is there twice")
	}
	return all, nil
}

func decodeEvents(l line) ([][]byte, error) {
	array, ok, err := l.array("events")
	if err != nil || !ok {
		return nil, err
	}
	var all [][]byte
	return all, items(array, func(value []byte) error {
		all = append(all, bytes.Clone(value))
		return nil
	})
}

func decodeChannels(l line, who census) ([]Channel, error) {
	object, ok, err := l.object("channels")
	if err != nil || !ok {
		return nil, err
	}
	var all []Channel
	err = members(object, func(name string, value []byte) error {
		where := at(l.where("channels"), name)
		ids, err := decodeNames(where, value)
		if err != nil {
			return err
		}
		there := ids[:0]
		for _, id := range ids {
			switch who[id] {
			case lives:
				there = append(there, id)
			case unknown:
				return malformed(where, "names %q, which is not there", shorten(id))
			}
		}
		all = append(all, Channel{Name: name, Members: there})
		return nil
	})
	if err != nil {
		return nil, err
	}
	byName(all, func(c Channel) string { return c.Name })
	if i := repeated(all, func(c Channel) string { return c.Name }); i >= 0 {
		return nil, malformed(at(l.where("channels"), all[i].Name), "is there twice")
	}
	return all, nil
}

// decodeNames reads an array of ids; nothing is an empty one.
func decodeNames(where string, array []byte) ([]string, error) {
	if len(array) == 0 {
		return nil, nil
	}
	if array[0] != '[' {
		return nil, malformed(where, "is %s where an array of ids is wanted", shorten(string(array)))
	}
	var names []string
	seen := make(map[string]bool)
	err := items(array, func(value []byte) error {
		name, err := unquote(value)
		if err != nil {
			return malformed(where, "has an item that %v", err)
		}
		if seen[name] {
			return malformed(where, "names %q twice", shorten(name))
		}
		seen[name] = true
		names = append(names, name)
		return nil
	})
	return names, err
}

// decodeRefused reads which actions a world refused. Only agents that acted
// may be named.
func decodeRefused(l line, tick int, actions []Action) (*Refusal, error) {
	if err := checkTick(l, tick, true); err != nil {
		return nil, err
	}
	object, ok, err := l.object("refused")
	if err != nil {
		return nil, err
	}
	refusal := &Refusal{Why: make(map[string]string)}
	if ok {
		err = members(object, func(id string, value []byte) error {
			where := at(l.where("refused"), id)
			i, ok := slices.BinarySearchFunc(actions, id, func(a Action, id string) int { return strings.Compare(a.Agent, id) })
			if !ok || actions[i].JSON == nil {
				return malformed(where, "is about an agent that did not act")
			}
			why, err := unquote(value)
			if err != nil {
				return malformed(where, "%v", err)
			}
			refusal.Why[id] = why
			return nil
		})
	}
	if err == nil && len(refusal.Why) == 0 {
		err = malformed(l.where("refused"), "names no agent; an object of agent ids and reasons is wanted")
	}
	return refusal, err
}

// checkTick holds a line's tick, if it has one, against the tick it is about.
func checkTick(l line, tick int, must bool) error {
	said, ok, err := l.whole("tick")
	if err != nil {
		return err
	}
	if !ok && must {
		return malformed(l.where("tick"), "is missing; %d is wanted", tick)
	}
	if ok && said != int64(tick) {
		return malformed(l.where("tick"), "is %d where %d is wanted", said, tick)
	}
	return nil
}

func byName[T any](all []T, name func(T) string) {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(name(a), name(b)) })
}

// repeated finds one of a sorted list that has the name of the one before it,
// -1 for none.
func repeated[T any](all []T, name func(T) string) int {
	for i := 1; i < len(all); i++ {
		if name(all[i]) == name(all[i-1]) {
			return i
		}
	}
	return -1
}
