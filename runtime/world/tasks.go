package world

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// TasksConfig is the config of the world tasks: each agent has tasks of its own
// and works them off, one a tick. They are in the agent's config, under tasks: a
// list of any JSON, in which null is a tick in which the agent is not asked. Those
// whose config has none have the tasks of the world's. An agent observes
//
//	{"task":{"invoice":"…"},"number":1,"of":2}
//
// with the tasks that are not null counted from 1. Its action is the answer. A
// task whose agent fails stays without one: the next comes all the same.
//
// There are no scores. Columns: how many tasks were answered so far and how many
// failed. The world is done once no tasks are left.
type TasksConfig struct {
	// Tasks are those of the agents whose config has none.
	Tasks []json.RawMessage `json:"tasks"`
	// Answer is a JSON Schema that answers fit; all do if it is not given.
	Answer json.RawMessage `json:"answer"`
}

var tasksKind = kind{
	open: openTasks,
	example: example{
		config:  `{"tasks":[{"invoice":"<1>"},null,"two",3],"answer":{"type":"object","required":["total"],"properties":{"total":{"type":"number"}}}}`,
		agents:  []string{"ann", "bob", "cleo"},
		actions: []string{`{"total":7}`, `{"total":0.5,"why":"it says so"}`},
		garbage: []string{`null`, `7`, `{}`, `{"total":"7"}`, `[]`},
	},
}

type tasks struct {
	conf TasksConfig
	schemas

	*roster
	lists    [][]json.RawMessage // like the roster; nil for a tick without a task
	longest  int
	answered int
	failed   int
	next     int
}

func openTasks(config []byte) (World, error) {
	w := &tasks{}
	errs, err := decodeConfig(config, &w.conf)
	if err != nil {
		return nil, err
	}
	if w.schemas, err = compileSchemas(w.answers()); err != nil {
		errs.add("answer", "%s", firstLine(err))
	}
	return w, errs.err()
}

// answers are the schemas of actions, none where all will do.
func (w *tasks) answers() map[string][]byte {
	if w.conf.Answer == nil {
		return nil
	}
	return map[string][]byte{"*": w.conf.Answer}
}

func (w *tasks) Start(_ context.Context, init Init) (Ready, error) {
	var err error
	if w.roster, err = newRoster(init.Agents); err != nil {
		return Ready{}, err
	}
	w.lists = make([][]json.RawMessage, len(w.ids))
	for _, a := range init.Agents {
		list, err := w.tasksOf(a)
		if err != nil {
			return Ready{}, err
		}
		w.lists[w.index[a.ID]] = list
		w.longest = max(w.longest, len(list))
	}
	if len(init.State) > 0 {
		if err := w.restore(init); err != nil {
			return Ready{}, err
		}
	}
	return Ready{Observations: w.observe(), ActionSchemas: w.answers()}, nil
}

// tasksOf reads an agent's tasks. They end with one, so that the game is over
// when the last was answered.
func (w *tasks) tasksOf(a Agent) ([]json.RawMessage, error) {
	var conf struct {
		Tasks []json.RawMessage `json:"tasks"`
	}
	if err := json.Unmarshal(a.Config, &conf); err != nil {
		return nil, fmt.Errorf("cannot start the world: the config of %s has no list of tasks: %w", a.ID, err)
	}
	if len(conf.Tasks) == 0 {
		conf.Tasks = w.conf.Tasks
	}
	list := make([]json.RawMessage, 0, len(conf.Tasks))
	for _, task := range conf.Tasks {
		if string(task) == "null" {
			task = nil
		}
		list = append(list, task)
	}
	for n := len(list); n > 0 && list[n-1] == nil; n-- {
		list = list[:n-1]
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("cannot start the world: neither it nor the config of %s has tasks", a.ID)
	}
	return list, nil
}

func (w *tasks) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, w.next); err != nil {
		return Stepped{}, err
	}
	answered := 0
	err := w.take(actions, func(who int, action []byte) string {
		answered++
		return w.check(&Action{Agent: w.ids[who], JSON: action})
	})
	if err != nil {
		return Stepped{}, err
	}
	for _, asked := range w.asked {
		if asked {
			w.failed++
		}
	}
	w.failed -= answered
	w.answered += answered
	w.next++
	observations := w.observe()
	return Stepped{
		Observations: observations,
		Columns: []Column{
			{Name: "answered", Value: strconv.AppendInt(nil, int64(w.answered), 10)},
			{Name: "failed", Value: strconv.AppendInt(nil, int64(w.failed), 10)},
		},
		Done: len(observations) == 0 && !w.left(),
	}, nil
}

// left says whether there are tasks for later ticks.
func (w *tasks) left() bool {
	for who, list := range w.lists {
		if !w.gone[who] && w.next < len(list) {
			return true
		}
	}
	return false
}

func (w *tasks) observe() []Observation {
	var observations []Observation
	for who, id := range w.ids {
		list := w.lists[who]
		w.asked[who] = !w.gone[who] && w.next < len(list) && list[w.next] != nil
		if w.asked[who] {
			b := append([]byte(`{"task":`), list[w.next]...)
			b = fmt.Appendf(b, `,"number":%d,"of":%d}`, count(list[:w.next+1]), count(list))
			observations = append(observations, Observation{Agent: id, JSON: b})
		}
	}
	return observations
}

// Turns are an agent's tasks.
func (w *tasks) Turns(agent string) int {
	who, ok := w.index[agent]
	if !ok {
		return 0
	}
	return count(w.lists[who])
}

func count(list []json.RawMessage) int {
	return len(slices.DeleteFunc(slices.Clone(list), func(task json.RawMessage) bool { return task == nil }))
}

// A tasksState is where the tasks are between two ticks.
type tasksState struct {
	Tick     int      `json:"tick"` // the next one
	Gone     []string `json:"gone,omitempty"`
	Answered int      `json:"answered"`
	Failed   int      `json:"failed"`
}

// Snapshot is Snapshotter's.
func (w *tasks) Snapshot(context.Context) ([]byte, error) {
	return writeState(tasksState{Tick: w.next, Gone: w.departed(), Answered: w.answered, Failed: w.failed})
}

func (w *tasks) restore(init Init) error {
	var state tasksState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if state.Tick > w.longest || state.Answered < 0 || state.Failed < 0 {
		return badState("tick %d with %d answers and %d failures is none of %d ticks", state.Tick, state.Answered, state.Failed, w.longest)
	}
	w.next, w.answered, w.failed = state.Tick, state.Answered, state.Failed
	return w.depart(state.Gone)
}
