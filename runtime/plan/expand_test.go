package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestDefaults(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`agents:
  - {id: a, command: [troupe, bot, x]}
  - {id: b, kind: exec, command: [cat], deadline: 1m}
`)
	same(t, "clock", p.Clock, Clock{Mode: "lockstep"})
	same(t, "isolation and durability", p.Isolation+" "+p.Durability, "auto process")
	same(t, "timeout", p.World.Timeout, time.Minute)
	same(t, "world", strings.Join(p.World.Program.Command, " ")+" in "+p.World.Program.Dir, "/usr/bin/cat in world")
	same(t, "config", string(p.World.Config), "{}")
	a, b := p.Entries[0], p.Entries[1]
	same(t, "a", fmt.Sprint(a.Kind, a.State, a.PerProcess, a.Deadline), "stdioreobserve1 5s")
	same(t, "b", fmt.Sprint(b.Kind, b.State, b.PerProcess, b.Deadline), "execnone1 1m0s")
	want := map[agent.Failure]Policy{
		agent.Deadline:      {Name: "skip"},
		agent.Crash:         {Name: "restart", Attempts: 3},
		agent.Spawn:         {Name: "stop"},
		agent.InvalidAction: {Name: "retry", Attempts: 2},
		agent.Oversize:      {Name: "retry", Attempts: 2},
		agent.Limit:         {Name: "skip"},
		agent.Refused:       {Name: "skip"},
		agent.Budget:        {Name: "stop"},
		agent.RateLimited:   {Name: "wait"},
		agent.Differs:       {Name: "continue"},
	}
	if !reflect.DeepEqual(a.Policies, want) {
		t.Errorf("policies are %v", a.Policies)
	}
	same(t, "processes", toJSON(t, p.Processes), `[{"id":"a","entry":0,"agents":["a"],"command":["troupe","bot","x"]},`+
		`{"id":"b","entry":1,"agents":["b"],"command":["/usr/bin/cat"]}]`)
}

// A process is kept on a core unless its entry says no; kinds that never are
// do not read the key.
func TestPin(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`agents:
  - {id: a, command: [cat]}
  - {id: b, command: [cat], pin: false}
  - {id: "c-{n}", replicas: 3, command: [cat], pin: true}
  - {id: d, kind: exec, command: [cat], pin: true}
`, "agents.c-2.pin=false", "agents.c-3.kind=exec")
	var got []string
	for _, e := range p.Entries {
		got = append(got, fmt.Sprintf("%s%v %t%v", e.ID, e.Only, e.Pin, e.Unused))
	}
	same(t, "pins", strings.Join(got, "\n"), `a[] true[]
b[] false[]
c-{n}[] true[]
c-{n}[c-2] false[]
c-{n}[c-3] false[pin]
d[] false[pin]`)
}

func TestPoliciesMerge(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`on_failure: {deadline: {action: {move: stay}}, crash: skip, invalid_action: {retry: {attempts: 5}}}
agents:
  - {id: a, command: [cat]}
  - {id: b, command: [cat], on_failure: {deadline: restart, spawn: {substitute: {command: [troupe, bot, x]}}}}
`)
	a, b := p.Entries[0].Policies, p.Entries[1].Policies
	same(t, "a deadline", toJSON(t, a[agent.Deadline]), `{"name":"action","action":{"move":"stay"}}`)
	same(t, "a crash", toJSON(t, a[agent.Crash]), `{"name":"skip"}`)
	same(t, "a invalid", toJSON(t, a[agent.InvalidAction]), `{"name":"retry","attempts":5}`)
	same(t, "b deadline", toJSON(t, b[agent.Deadline]), `{"name":"restart","attempts":2}`)
	same(t, "b crash", toJSON(t, b[agent.Crash]), `{"name":"skip"}`)
	same(t, "b spawn", toJSON(t, b[agent.Spawn]),
		`{"name":"substitute","substitute":{"kind":"stdio","program":{"command":["troupe","bot","x"],"dir":"2-b.spawn","network":"none"}}}`)
}

func TestRows(t *testing.T) {
	dir := folder(t, map[string]string{
		"people.csv":  "\ufeffname,trade,age\nann,baker,30\n\"bob\",\"smith, retired\",\"4\n1\"\n",
		"cells.jsonl": "{\"x\":1,\"y\":2.50,\"big\":12345678901234567890,\"who\":\"ü\"}\n\n{\"x\":2,\"y\":[1,{\"z\":null}],\"big\":0,\"who\":\"\"}\n",
		"baker.py":    "", "smith.py": "",
	})
	p := mustExpand(t, dir, head+`agents:
  - id: "{name}"
    for_each: people.csv
    command: [python3, agent.py, "{trade}", "{n}", "${HOME}", "{{trade}}"]
    config: {trade: "{trade}", age: "{age}", n: "{n}", text: "{n}: {name}", lit: "{{trade}}", deep: [{a: "{age}"}]}
    env: {TRADE: "a {trade}", HOMELIKE: "${HOME}"}
  - {id: "cell-{x}", for_each: cells.jsonl, command: [cat], config: {y: "{y}", big: "{big}", s: "{y}/{who}"}}
  - {id: "k-{i}", for_each: [{i: 7, ok: true}, {i: 8, ok: null}], command: [cat], config: {ok: "{ok}"}}
`+"", []string{"agents.ann.command=[troupe, bot, x]", "agents.bob.command=[python3, smith.py, '{trade}', '{n}', '${HOME}', '{{trade}}']"}...)
	same(t, "ids", ids(p), "ann bob cell-1 cell-2 k-7 k-8")
	configs := map[string]string{}
	for _, a := range p.Agents {
		configs[a.ID] = string(a.Config)
	}
	same(t, "ann", configs["ann"], `{"age":"30","deep":[{"a":"30"}],"lit":"{trade}","n":1,"text":"1: ann","trade":"baker"}`)
	same(t, "bob", configs["bob"], `{"age":"4\n1","deep":[{"a":"4\n1"}],"lit":"{trade}","n":2,"text":"2: bob","trade":"smith, retired"}`)
	same(t, "cell-1", configs["cell-1"], `{"big":12345678901234567890,"s":"2.50/ü","y":2.50}`)
	same(t, "cell-2", configs["cell-2"], `{"big":0,"s":"[1,{\"z\":null}]/","y":[1,{"z":null}]}`)
	same(t, "k-7", configs["k-7"], `{"ok":true}`)
	same(t, "k-8", configs["k-8"], `{"ok":null}`)
	bob := p.Processes[slices.IndexFunc(p.Processes, func(p Process) bool { return p.ID == "bob" })]
	same(t, "bob's process", toJSON(t, bob), `{"id":"bob","entry":1,"agents":["bob"],`+
		`"command":["/usr/bin/python3","{program}/smith.py","smith, retired","2","${HOME}","{trade}"],`+
		`"env":{"HOMELIKE":"${HOME}","TRADE":"a smith, retired"}}`)
}

func TestCommandOfEachRow(t *testing.T) {
	dir := folder(t, map[string]string{"people.csv": "name,trade\nann,baker\nbob,smith\n", "baker.py": "b", "smith.py": "s"})
	p := mustExpand(t, dir, head+`agents:
  - {id: "{name}", for_each: people.csv, kind: stdio, command: [python3, "{trade}.py"], prompt: baker.py, model: m, config: {trade: "{trade}"}}
`)
	same(t, "ann", toJSON(t, p.Processes[0].Command), `["/usr/bin/python3","{program}/baker.py"]`)
	same(t, "bob", toJSON(t, p.Processes[1].Command), `["/usr/bin/python3","{program}/smith.py"]`)
	same(t, "entry", toJSON(t, p.Entries[0].Program.Command), `["/usr/bin/python3","{trade}.py"]`)
	same(t, "files", len(p.Entries[0].Program.Files), 2)
	same(t, "unused", toJSON(t, p.Entries[0].Unused), `["model","prompt"]`)
}

func TestReplicasAndSharing(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`agents:
  - {id: "cell-{n}", replicas: 7, per_process: 3, command: [cat], config: {n: "{n}"}}
  - {id: "{n}", replicas: 2, per_process: 2, command: [cat]}
  - {id: "cell-p{n}", max: 9, command: [cat]}
`)
	same(t, "ids", ids(p), "1 2 cell-1 cell-2 cell-3 cell-4 cell-5 cell-6 cell-7 cell-p1")
	var got []string
	for _, process := range p.Processes {
		got = append(got, process.ID+"="+strings.Join(process.Agents, ","))
	}
	same(t, "processes", strings.Join(got, " "), "cell-pp1=cell-1,cell-2,cell-3 cell-pp2=cell-4,cell-5,cell-6 cell-7=cell-7 entry-2-p1=1,2 cell-p1=cell-p1")
}

func TestChannels(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`channels:
  square: {members: ["*"]}
  "den-{n}": {replicas: 2, members: ["wolf-{n}-*", ann]}
  burrow: {members: ["rabbit-9*"]}
agents:
  - {id: "wolf-1-{n}", replicas: 2, command: [cat]}
  - {id: "wolf-2-{n}", replicas: 1, command: [cat]}
  - {id: ann, command: [cat]}
  - {id: "rabbit-{n}", max: 5, command: [cat]}
collect: [c, {agent: "wolf-*", field: action.x}, {agent: rabbit-77, field: action, every: 3}]
expect: [{score: {agent: ann, min: 0}}, {outcome: {type: crash, agent: "rabbit-?0", equals: 0}}, {outcome: {type: action, min: 1}}]
`)
	same(t, "channels", toJSON(t, p.Channels), `[{"name":"burrow","patterns":["rabbit-9*"],"members":[]},`+
		`{"name":"den-1","patterns":["wolf-1-*","ann"],"members":["ann","wolf-1-1","wolf-1-2"]},`+
		`{"name":"den-2","patterns":["wolf-2-*","ann"],"members":["ann","wolf-2-1"]},`+
		`{"name":"square","patterns":["*"],"members":["ann","rabbit-1","wolf-1-1","wolf-1-2","wolf-2-1"]}]`)
	same(t, "covers", fmt.Sprint(p.Channels[0].Covers("rabbit-91"), p.Channels[0].Covers("rabbit-1")), "true false")
	same(t, "collect", fmt.Sprint(p.Collect[0].Every, p.Collect[1].Every, p.Collect[2].Every), "0 1 3")
}

func TestSeedOfOptions(t *testing.T) {
	seed := uint64(1<<64 - 1)
	yaml := head + "seed: 3\nagents: [{id: a, command: [cat]}]\n"
	p, problems := expand(t.TempDir(), yaml, Options{Seed: &seed, Sets: []string{"seed=4"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	same(t, "seed", p.Seed, seed)
	same(t, "set seed", mustExpand(t, t.TempDir(), yaml, "seed=4").Seed, 4)
}

func TestManyAgents(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`agents: [{id: "cell-{n}", replicas: 100000, per_process: 1000, command: [cat], config: {a: 1}}]
channels: {"c-{n}": {replicas: 1000, members: ["cell-{n}", "cell-{n}0*"]}}
`)
	same(t, "agents", len(p.Agents), 100_000)
	same(t, "processes", len(p.Processes), 100)
	same(t, "channels", len(p.Channels), 1000)
	if &p.Agents[0].Config[0] != &p.Agents[99_999].Config[0] {
		t.Error("agents with one config hold copies of it")
	}
	if &p.Processes[0].Command[0] != &p.Processes[99].Command[0] {
		t.Error("processes with one command hold copies of it")
	}
}

func TestSameTwice(t *testing.T) {
	dir := folder(t, map[string]string{"lib/a.py": "1", "lib/b.py": "2", "x.py": "3", "p.csv": "name\na\nb\nc\n"})
	yaml := head + `channels: {a: {members: ["*"]}, b: {members: [x]}, c: {members: [a]}}
agents:
  - {id: "{name}", for_each: p.csv, command: [python3, x.py, "{name}"], files: [lib/**], env: {A: "1", B: "{name}", C: "3"}, config: {z: 1, y: "{name}", x: {b: 1, a: 2}}}
  - {id: x, command: [cat], on_failure: {crash: skip, deadline: abort, spawn: skip}}
`
	first := toJSON(t, mustExpand(t, dir, yaml, "agents.b.config.z=3"))
	for range 20 {
		same(t, "plan", toJSON(t, mustExpand(t, dir, yaml, "agents.b.config.z=3")), first)
	}
}
