package world

import (
	"bytes"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// The lines a world that is a process is sent, written here and read by Serve.

func appendInit(b []byte, init Init) []byte {
	b = append(b, `{"type":"init","protocol":`...)
	b = strconv.AppendInt(b, agent.Protocol, 10)
	b = append(b, `,"run":`...)
	b = agent.AppendString(b, init.Run)
	b = append(b, `,"seed":`...)
	b = strconv.AppendUint(b, init.Seed, 10)
	b = append(b, `,"config":`...)
	b = appendObject(b, init.Config)
	b = append(b, `,"agents":`...)
	b = appendAgents(b, init.Agents)
	if len(init.State) > 0 {
		b = append(b, `,"state":`...)
		b = append(b, init.State...)
		b = append(b, `,"tick":`...)
		b = strconv.AppendInt(b, int64(init.Tick), 10)
	}
	return append(b, '}', '\n')
}

func appendAgents(b []byte, agents []Agent) []byte {
	b = append(b, '[')
	for i, a := range agents {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = agent.AppendString(b, a.ID)
		b = append(b, `,"config":`...)
		b = appendObject(b, a.Config)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendObject appends an object, {} for none.
func appendObject(b, object []byte) []byte {
	if len(object) == 0 {
		return append(b, `{}`...)
	}
	return append(b, object...)
}

func appendStep(b []byte, tick int, actions []Action) []byte {
	b = append(b, `{"type":"step","tick":`...)
	b = strconv.AppendInt(b, int64(tick), 10)
	b = append(b, `,"actions":[`...)
	for i := range actions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendAction(b, &actions[i])
	}
	return append(b, `]}`+"\n"...)
}

func appendAction(b []byte, a *Action) []byte {
	b = append(b, `{"agent":`...)
	b = agent.AppendString(b, a.Agent)
	b = append(b, `,"action":`...)
	if a.JSON == nil {
		b = append(b, `null`...)
	} else {
		b = append(b, a.JSON...)
	}
	if a.Failure != "" {
		b = append(b, `,"failure":`...)
		b = agent.AppendString(b, string(a.Failure))
	}
	return append(b, '}')
}

const snapshotAsk = `{"type":"snapshot"}` + "\n"

func decodeInit(l line) (Init, error) {
	protocol, _, err := l.whole("protocol")
	if err != nil {
		return Init{}, err
	}
	if protocol != agent.Protocol {
		return Init{}, malformed(l.where("protocol"), "is %d; this world speaks %d", protocol, agent.Protocol)
	}
	var init Init
	if init.Run, _, err = l.text("run"); err != nil {
		return Init{}, err
	}
	seed, _, err := l.whole("seed")
	if err != nil || seed < 0 {
		return Init{}, malformed(l.where("seed"), "is no whole number from 0 on")
	}
	init.Seed = uint64(seed)
	if init.Config, _, err = l.object("config"); err != nil {
		return Init{}, err
	}
	if init.Agents, err = decodeAgents(l, "agents"); err != nil {
		return Init{}, err
	}
	tick, _, err := l.whole("tick")
	init.Tick, init.State = int(tick), l.fields["state"]
	return init, err
}

// decodeAgents reads a list of agents with their configs.
func decodeAgents(l line, field string) ([]Agent, error) {
	array, ok, err := l.array(field)
	if err != nil || !ok {
		return nil, err
	}
	var agents []Agent
	seen := make(map[string]bool)
	err = items(array, func(value []byte) error {
		item, err := nested(l.where(field), value)
		if err != nil {
			return err
		}
		id, _, err := item.text("id")
		if err != nil {
			return err
		}
		if id == "" || seen[id] {
			return malformed(item.where("id"), "is %q: an id that is not empty and there once is wanted", shorten(id))
		}
		seen[id] = true
		config, ok, err := item.object("config")
		if err != nil {
			return err
		}
		if !ok {
			config = []byte(`{}`)
		}
		agents = append(agents, Agent{ID: id, Config: bytes.Clone(config)})
		return nil
	})
	return agents, err
}

// nested reads an object within a line as if it were one of its own.
func nested(where string, value []byte) (line, error) {
	if value[0] != '{' {
		return line{}, malformed(where, "has an item %s where an object is wanted", shorten(string(value)))
	}
	item := line{kind: where, fields: make(map[string][]byte)}
	return item, members(value, func(name string, value []byte) error {
		if string(value) != "null" {
			item.fields[name] = value
		}
		return nil
	})
}

// decodeStep reads what Serve's world is to play.
func decodeStep(l line) (tick int, actions []Action, err error) {
	t, ok, err := l.whole("tick")
	if err != nil {
		return 0, nil, err
	}
	if !ok || t < 0 {
		return 0, nil, malformed(l.where("tick"), "is missing or less than 0")
	}
	array, ok, err := l.array("actions")
	if err != nil || !ok {
		return int(t), nil, err
	}
	err = items(array, func(value []byte) error {
		item, err := nested(l.where("actions"), value)
		if err != nil {
			return err
		}
		id, _, err := item.text("agent")
		if err != nil {
			return err
		}
		failure, _, err := item.text("failure")
		if err != nil {
			return err
		}
		a := Action{Agent: id, JSON: item.fields["action"], Failure: agent.Failure(failure)}
		if a.JSON == nil && failure == "" {
			a.JSON = []byte(`null`) // null is what the agent answered
		}
		actions = append(actions, a)
		return nil
	})
	return int(t), actions, err
}
