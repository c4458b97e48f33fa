package world

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// PopulationConfig is the config of the world population: agents that breed
// and die, as they decide themselves (Fibonacci's rabbits, Liber Abaci, 1202).
// An agent observes
//
//	{"tick":3,"age":2,"population":5}
//
// and answers {"offspring":1,"die":false}; what it leaves out is 0 or false.
// The offspring of tick t join in tick t+1 at age 0, and are told the tick
// they were born in as config: {"born":3}. One that dies is asked no more; it
// may leave offspring in its last tick. An agent that fails does neither; one
// that ended itself is out of the population.
//
// Columns: population (after the tick), births and deaths (in it). Each birth
// and death is an event: {"event":"born","agent":"rabbit-7","parent":"rabbit-2"},
// {"event":"died","agent":"rabbit-2"}. There are no scores. The world is done
// after the last tick or when nobody is left.
type PopulationConfig struct {
	// Newborn is the id of those who are born: rabbit-{n}, where {n} goes on
	// from the highest number among the first agents.
	Newborn string `json:"newborn" required:"true"`
	// Ticks is how many are played; without it the clock's ticks end the run.
	Ticks int `json:"ticks"`
	// Age is that of the first agents at tick 0; 1 if not given, so that they
	// are older than newborn ones.
	Age int `json:"age"`
	// MaxOffspring bounds what one agent may have in a tick, 1 to 1000; 16 if
	// not given. An action that asks for more is refused.
	MaxOffspring int `json:"max_offspring"`
}

var populationKind = kind{
	open: openPopulation,
	example: example{
		config:  `{"newborn":"rabbit-{n}","ticks":4,"age":0,"max_offspring":2}`,
		agents:  []string{"rabbit-1", "rabbit-12", "rabbit-9"},
		actions: []string{`{"offspring":1}`, `{}`, `{"offspring":2,"die":true}`, `{"offspring":0,"die":false,"mood":"fine"}`},
		garbage: []string{`null`, `1`, `[]`, `{"offspring":3}`, `{"offspring":-1}`, `{"offspring":1.5}`, `{"offspring":"1"}`, `{"offspring":null}`, `{"die":1}`},
	},
}

type population struct {
	conf           PopulationConfig
	prefix, suffix string // of newborn ids
	number         int    // of the last one born

	// members are those who live, by id: the tick of their age 0. All of them
	// are asked in every tick.
	members map[string]int
	next    int
}

// A wish is what one member wants in a tick.
type wish struct {
	who       string
	offspring int
	die       bool
}

func openPopulation(config []byte) (World, error) {
	w := &population{conf: PopulationConfig{Age: 1, MaxOffspring: 16}}
	errs, err := decodeConfig(config, &w.conf)
	if err != nil {
		return nil, err
	}
	var ok bool
	w.prefix, w.suffix, ok = strings.Cut(w.conf.Newborn, "{n}")
	if !ok || !isToken(w.prefix) || !isToken(w.suffix) {
		errs.add("newborn", "%q is no id with one {n} in it; for example rabbit-{n}", w.conf.Newborn)
	}
	if w.conf.Ticks < 0 {
		errs.add("ticks", "%d is less than 0", w.conf.Ticks)
	}
	if w.conf.Age < 0 || w.conf.Age > math.MaxInt32 {
		errs.add("age", "%d is not between 0 and %d", w.conf.Age, math.MaxInt32)
	}
	if w.conf.MaxOffspring < 1 || w.conf.MaxOffspring > 1000 {
		errs.add("max_offspring", "%d is not between 1 and 1000", w.conf.MaxOffspring)
	}
	return w, errs.err()
}

// isToken says whether s may be a piece of an agent's id.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// Turns are the ticks, for an agent that is there from the start and stays.
func (w *population) Turns(string) int { return w.conf.Ticks }

// Noop is the action of an agent that neither breeds nor dies.
func (w *population) Noop() []byte { return []byte(`{}`) }

func (w *population) Start(_ context.Context, init Init) (Ready, error) {
	w.members = make(map[string]int, len(init.Agents))
	for _, a := range init.Agents {
		if _, ok := w.members[a.ID]; ok {
			return Ready{}, fmt.Errorf("cannot start the population: agent %q is named twice", a.ID)
		}
		w.members[a.ID] = -w.conf.Age
		if n, ok := w.numberOf(a.ID); ok {
			w.number = max(w.number, n)
		}
	}
	if len(init.State) > 0 {
		if err := w.restore(init); err != nil {
			return Ready{}, err
		}
	}
	schema := fmt.Sprintf(`{"type":"object","properties":{"offspring":{"type":"integer","minimum":0,"maximum":%d},"die":{"type":"boolean"}}}`,
		w.conf.MaxOffspring)
	return Ready{
		Observations:  w.observe(),
		ActionSchemas: map[string][]byte{"*": []byte(schema)},
		Noop:          w.Noop(),
	}, nil
}

// A populationState is a population between two ticks.
type populationState struct {
	Tick    int            `json:"tick"`    // the next one
	Number  int            `json:"number"`  // of the last one born
	Members map[string]int `json:"members"` // who lives, and the tick of its age 0
}

// Snapshot is Snapshotter's.
func (w *population) Snapshot(context.Context) ([]byte, error) {
	return writeState(populationState{Tick: w.next, Number: w.number, Members: w.members})
}

// restore puts those who live in place of the first agents.
func (w *population) restore(init Init) error {
	var state populationState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if state.Number < w.number {
		return badState("the last one born is number %d and that of the first agents %d", state.Number, w.number)
	}
	for id, born := range state.Members {
		if born > state.Tick {
			return badState("member %q is born in tick %d, after tick %d", shorten(id), born, state.Tick)
		}
	}
	w.next, w.number, w.members = state.Tick, state.Number, state.Members
	if w.members == nil {
		w.members = make(map[string]int)
	}
	return nil
}

// numberOf takes the number out of an id that looks like a newborn's.
func (w *population) numberOf(id string) (int, bool) {
	text, ok := strings.CutPrefix(id, w.prefix)
	if !ok {
		return 0, false
	}
	text, ok = strings.CutSuffix(text, w.suffix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0 && n < math.MaxInt/2
}

func (w *population) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, w.next); err != nil {
		return Stepped{}, err
	}
	wishes, gone, err := w.take(actions)
	if err != nil {
		return Stepped{}, err
	}
	for _, id := range gone {
		delete(w.members, id)
	}
	var stepped Stepped
	births := w.bear(tick, wishes, &stepped)
	deaths := len(gone) + w.bury(wishes, &stepped)
	w.next++
	stepped.Columns = []Column{
		{"births", strconv.AppendInt(nil, int64(births), 10)},
		{"deaths", strconv.AppendInt(nil, int64(deaths), 10)},
		{"population", strconv.AppendInt(nil, int64(len(w.members)), 10)},
	}
	stepped.Done, stepped.Observations = w.over(), w.observe()
	return stepped, nil
}

// take reads a step's actions. Those who live and are not among them are gone
// as much as those who said so.
func (w *population) take(actions []Action) (wishes []wish, gone []string, err error) {
	var refusal Refusal
	seen := make(map[string]bool, len(actions))
	for i := range actions {
		a := &actions[i]
		if _, lives := w.members[a.Agent]; !lives || seen[a.Agent] {
			return nil, nil, fmt.Errorf("cannot step the population: an action of %q, which does not live or acted already", a.Agent)
		}
		seen[a.Agent] = true
		switch {
		case a.Failure == agent.Done:
			gone = append(gone, a.Agent)
		case a.JSON != nil:
			wanted, why := w.read(a.JSON)
			if why != "" {
				if refusal.Why == nil {
					refusal.Why = make(map[string]string)
				}
				refusal.Why[a.Agent] = why
			}
			wanted.who = a.Agent
			wishes = append(wishes, wanted)
		}
	}
	if refusal.Why != nil {
		return nil, nil, &refusal
	}
	for _, id := range sortedKeys(w.members) {
		if !seen[id] {
			gone = append(gone, id)
		}
	}
	return wishes, gone, nil
}

// read understands one action, or says why it is refused.
func (w *population) read(action []byte) (wanted wish, why string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(action, &fields); err != nil || fields == nil {
		return wish{}, `the action is no object; want {"offspring": N, "die": false}`
	}
	if raw, ok := fields["offspring"]; ok {
		n, err := strconv.Atoi(string(raw))
		if err != nil || n < 0 || n > w.conf.MaxOffspring {
			return wish{}, fmt.Sprintf("offspring is %s; want a whole number from 0 to %d", shorten(string(raw)), w.conf.MaxOffspring)
		}
		wanted.offspring = n
	}
	if raw, ok := fields["die"]; ok {
		wanted.die = string(raw) == "true"
		if !wanted.die && string(raw) != "false" {
			return wish{}, fmt.Sprintf("die is %s; want true or false", shorten(string(raw)))
		}
	}
	return wanted, ""
}

// bear adds the offspring, numbered in the order of their parents' ids.
func (w *population) bear(tick int, wishes []wish, stepped *Stepped) (births int) {
	for _, parent := range wishes {
		for range parent.offspring {
			w.number++
			id := w.prefix + strconv.Itoa(w.number) + w.suffix
			w.members[id] = tick + 1
			stepped.Add = append(stepped.Add, Agent{ID: id, Config: fmt.Appendf(nil, `{"born":%d}`, tick)})
			event := agent.AppendString([]byte(`{"event":"born","agent":`), id)
			event = agent.AppendString(append(event, `,"parent":`...), parent.who)
			stepped.Events = append(stepped.Events, append(event, '}'))
			births++
		}
	}
	return births
}

// bury removes those who die.
func (w *population) bury(wishes []wish, stepped *Stepped) (deaths int) {
	for _, dead := range wishes {
		if !dead.die {
			continue
		}
		delete(w.members, dead.who)
		stepped.Remove = append(stepped.Remove, dead.who)
		event := agent.AppendString([]byte(`{"event":"died","agent":`), dead.who)
		stepped.Events = append(stepped.Events, append(event, '}'))
		deaths++
	}
	return deaths
}

// over says whether there is nothing more to play.
func (w *population) over() bool { return len(w.members) == 0 || w.next > 0 && w.next == w.conf.Ticks }

func (w *population) observe() []Observation {
	if w.over() {
		return nil
	}
	ids := sortedKeys(w.members)
	observations := make([]Observation, len(ids))
	for i, id := range ids {
		text := fmt.Appendf(nil, `{"tick":%d,"age":%d,"population":%d}`, w.next, w.next-w.members[id], len(ids))
		observations[i] = Observation{Agent: id, JSON: text}
	}
	return observations
}
