package world

import (
	"github.com/troupe-dev/troupe/runtime/agent"
)

// The lines a world that is a process answers, as Serve writes them.

func appendReady(b []byte, ready Ready, snapshot bool) []byte {
	b = append(b, `{"type":"ready","observations":`...)
	b = appendObservations(b, ready.Observations)
	if snapshot {
		b = append(b, `,"snapshot":true`...)
	}
	if len(ready.ActionSchemas) > 0 {
		b = append(b, `,"action_schema":{`...)
		for i, pattern := range sortedKeys(ready.ActionSchemas) {
			b = appendMember(b, i, pattern, ready.ActionSchemas[pattern])
		}
		b = append(b, '}')
	}
	if ready.Noop != nil {
		b = append(b, `,"noop":`...)
		b = append(b, ready.Noop...)
	}
	return append(b, '}', '\n')
}

func appendStepped(b []byte, s Stepped) []byte {
	b = append(b, `{"type":"stepped","observations":`...)
	b = appendObservations(b, s.Observations)
	b = append(b, `,"scores":{`...)
	for i, score := range s.Scores {
		b = appendMember(b, i, score.Agent, score.Value)
	}
	b = append(b, `},"columns":{`...)
	for i, column := range s.Columns {
		b = appendMember(b, i, column.Name, column.Value)
	}
	b = append(b, `},"events":[`...)
	for i, event := range s.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, event...)
	}
	b = append(b, `],"add":`...)
	b = appendAgents(b, s.Add)
	b = append(b, `,"remove":`...)
	b = appendNames(b, s.Remove)
	b = append(b, `,"channels":{`...)
	for i, channel := range s.Channels {
		b = appendMember(b, i, channel.Name, appendNames(nil, channel.Members))
	}
	b = append(b, `},"done":`...)
	if s.Done {
		return append(b, `true}`+"\n"...)
	}
	return append(b, `false}`+"\n"...)
}

func appendRefused(b []byte, tick int, refusal *Refusal) []byte {
	b = append(b, `{"type":"refused","tick":`...)
	b = appendNumber(b, float64(tick))
	b = append(b, `,"refused":{`...)
	for i, id := range sortedKeys(refusal.Why) {
		b = appendMember(b, i, id, agent.AppendString(nil, refusal.Why[id]))
	}
	return append(b, `}}`+"\n"...)
}

func appendState(b, state []byte) []byte {
	b = append(b, `{"type":"state","state":`...)
	if len(state) == 0 {
		state = []byte(`null`)
	}
	b = append(b, state...)
	return append(b, '}', '\n')
}

func appendObservations(b []byte, observations []Observation) []byte {
	b = append(b, '{')
	for i, o := range observations {
		b = appendMember(b, i, o.Agent, o.JSON)
	}
	return append(b, '}')
}

func appendMember(b []byte, i int, name string, value []byte) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = agent.AppendString(b, name)
	b = append(b, ':')
	return append(b, value...)
}

func appendNames(b []byte, names []string) []byte {
	b = append(b, '[')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = agent.AppendString(b, name)
	}
	return append(b, ']')
}
