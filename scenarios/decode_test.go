package scenarios

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// head is a scenario's least beginning: five lines without a problem.
const head = "name: x\nworld: {kind: w}\nagents:\n  - {id: a}\n\n"

// headings are the first lines of problems: file, position and message.
func headings(ps []Problem) []string {
	var all []string
	for _, p := range ps {
		line, _, _ := strings.Cut(p.String(), "\n")
		all = append(all, line)
	}
	return all
}

func TestDecodeProblems(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"empty", "", []string{"s.yaml: the file is empty"}},
		{"comment", "# nothing\n", []string{"s.yaml: the file is empty"}},
		{"null", "~\n", []string{"s.yaml:1:1: want a mapping of keys such as name, world and agents, got nothing"}},
		{"list", "- a\n", []string{"s.yaml:1:1: want a mapping of keys such as name, world and agents, got a list"}},
		{"no keys", "{}\n", []string{
			`s.yaml:1:1: the key "name" is missing`,
			`s.yaml:1:1: the key "agents" is missing`,
			`s.yaml:1:1: the key "world" is missing`,
		}},
		{"unknown keys", head + "sede: 1\nxyzzy: 2\n", []string{
			`s.yaml:6:1: unknown key "sede"`,
			`s.yaml:7:1: unknown key "xyzzy"`,
		}},
		{"column in bytes", head + "collect: [ä, {ö: 1, field: action}]\n", []string{
			`s.yaml:6:15: collect[1]: the key "agent" is missing`,
			`s.yaml:6:16: collect[1]: unknown key "ö"`,
		}},
		{"duplicate key", head + "seed: 1\nseed: 2\n", []string{`s.yaml:7:1: the key "seed" stands here twice`}},
		{"wrong types", "name: [a]\nseed: x\nclock: 5\nworld: {command: 3}\nagents: {}\nchannels: []\n", []string{
			"s.yaml:1:1: name: want text, got a list",
			"s.yaml:2:7: seed: want an integer, got text",
			"s.yaml:3:8: clock: want a mapping, got an integer",
			"s.yaml:4:18: world.command: want a list, got an integer",
			"s.yaml:5:1: agents: want a list, got a mapping",
			"s.yaml:6:1: channels: want a mapping, got a list",
		}},
		{"null values", "name:\nworld: {kind: ~}\nagents:\n  -\n", []string{
			"s.yaml:1:6: name: want text, got nothing",
			"s.yaml:2:15: world.kind: want text, got nothing",
			"s.yaml:4:4: agents[0]: want a mapping, got nothing",
		}},
		{"numbers as text", "name: 5\nworld: {command: [a, 1.5, true], env: {A: 010}}\nagents: [{id: a}]\n", []string{
			"s.yaml:1:7: name: want text, got an integer",
			"s.yaml:2:22: world.command[1]: want text, got a number",
			"s.yaml:2:27: world.command[2]: want text, got a boolean",
			"s.yaml:2:43: world.env.A: want text, got a number that other readers of YAML read otherwise",
		}},
		{"ranges", head + "seed: -1\nclock: {ticks: -1, deadline: 0s}\n", []string{
			"s.yaml:6:7: seed: want at least 0, got -1",
			"s.yaml:7:16: clock.ticks: want at least 0, got -1",
			"s.yaml:7:30: clock.deadline: want a duration above 0, got 0s",
		}},
		{"large", head + "seed: 18446744073709551616\nclock: {ticks: 99999999999999999999}\n", []string{
			"s.yaml:6:7: seed: want at most 18446744073709551615, got 18446744073709551616",
			"s.yaml:7:16: clock.ticks: 99999999999999999999 is out of range",
		}},
		{"durations", head + "clock: {deadline: 5}\nworld: {kind: x}\n", []string{
			"s.yaml:6:19: clock.deadline: want a duration such as 500ms, 5s or 2m, got an integer",
			`s.yaml:7:1: the key "world" stands here twice`,
		}},
		{"duration words", head + "clock: {deadline: soon}\n", []string{
			`s.yaml:6:19: clock.deadline: want a duration such as 500ms, 5s or 2m, got "soon"`,
		}},
		{"odd numbers", "name: x\nagents: [{id: a}]\nworld:\n  kind: w\n  config: {a: 010, b: 1_000, c: .nan, d: -.inf, e: 1e999, f: {5: x, ~: y}}\n", []string{
			"s.yaml:5:15: world.config.a: want a number as JSON writes it, or text in quotes, got a number that other readers of YAML read otherwise",
			"s.yaml:5:23: world.config.b: want a number as JSON writes it, or text in quotes, got a number that other readers of YAML read otherwise",
			"s.yaml:5:33: world.config.c: want a number as JSON writes it, or text in quotes, got a number out of range",
			"s.yaml:5:42: world.config.d: want a number as JSON writes it, or text in quotes, got a number out of range",
			"s.yaml:5:52: world.config.e: want a number as JSON writes it, or text in quotes, got a number out of range",
			"s.yaml:5:63: want text as a key, got an integer",
			"s.yaml:5:69: want text as a key, got nothing",
		}},
		{"long number", head + "seed: " + strings.Repeat("9", 500) + "\n", []string{"s.yaml:6:7: seed: want an integer, got a number out of range"}},
		{"empty key", head + "on_failure: {crash: {action: {\"\": [!x y]}}}\n", []string{"s.yaml:6:36: on_failure.crash.action.[0]: the tag !x is not supported"}},
		{"tags", "name: !!str 5\nworld: {kind: !x y}\nagents: !set [{id: !!int 5}]\n", []string{
			"s.yaml:2:15: world.kind: the tag !x is not supported",
			"s.yaml:3:1: agents: the tag !set is not supported",
		}},
		{"merge key", head + "clock: {<<: {ticks: 1}}\n", []string{"s.yaml:6:9: merge keys are not supported"}},
		{"booleans", "name: x\nworld: {kind: w}\nagents: [{id: a, pin: no}, {id: b, pin: 0}, {id: c, pin: ~}, {id: d, pin: True}]\npin: false\n", []string{
			"s.yaml:3:23: agents[0].pin: want true or false, got text",
			"s.yaml:3:41: agents[1].pin: want true or false, got an integer",
			"s.yaml:3:58: agents[2].pin: want true or false, got nothing",
			`s.yaml:4:1: unknown key "pin"`,
		}},
		{"list as key", head + "? [a]\n: b\n", []string{"s.yaml:6:3: want text as a key, got a list"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ps := Decode("s.yaml", "/", []byte(tt.yaml))
			if got := headings(ps); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestDecodeRules(t *testing.T) {
	const world = "name: x\nworld: {kind: w}\n"
	tests := []struct {
		name, yaml string
		want       []string
	}{
		{"name", "name: a b\nworld: {kind: w}\nagents: [{id: a}]\n", []string{"s.yaml:1:7: name: cannot use \"a b\" as an id because of ' '"}},
		{"two worlds", "name: x\nworld: {kind: w, command: [a]}\nagents: [{id: a}]\n", []string{"s.yaml:2:1: world: want one of kind and command, got both"}},
		{"no world", "name: x\nworld: {}\nagents: [{id: a}]\n", []string{"s.yaml:2:1: world: want kind or command, got neither"}},
		{"misspelt world", "name: x\nworld: {knd: w}\nagents: [{id: a}]\n", []string{`s.yaml:2:9: world: unknown key "knd"`}},
		{"process keys", "name: x\nworld: {kind: w, timeout: 5s, files: [a]}\nagents: [{id: a}]\n", []string{
			"s.yaml:2:18: world.timeout: only a world with a command has this",
			"s.yaml:2:31: world.files: only a world with a command has this",
		}},
		{"no agents", world + "agents: []\n", []string{"s.yaml:3:1: agents: want at least one item"}},
		{"replicas", world + "agents:\n  - {id: a, replicas: 0, max: -1, per_process: 10000001}\n  - {id: b, replicas: 5, max: 4}\n  - {id: c, replicas: 2, for_each: r.csv}\n", []string{
			"s.yaml:4:23: agents[0].replicas: want at least 1, got 0",
			"s.yaml:4:31: agents[0].max: want at least 1, got -1",
			"s.yaml:4:48: agents[0].per_process: want at most 10000000, got 10000001",
			"s.yaml:5:31: agents[1].max: max is 4, below the 5 replicas at the start",
			"s.yaml:6:26: agents[2].for_each: replicas and for_each exclude each other",
		}},
		{"ids", world + "agents:\n  - {id: \"\"}\n  - {id: a.b}\n  - {id: \"a{\"}\n  - {id: \"a b-{n}\"}\nchannels: {a b: {members: []}}\n", []string{
			"s.yaml:4:10: agents[0].id: cannot use an empty id",
			"s.yaml:5:10: agents[1].id: cannot use \"a.b\" as an id because of '.'",
			`s.yaml:6:10: agents[2].id: cannot use "a{" as an id`,
			`s.yaml:7:10: agents[3].id: cannot use "a b-{n}" as an id`,
			"s.yaml:8:12: channels.a b: cannot use \"a b\" as an id because of ' '",
		}},
		{"rows", world + "agents:\n  - {id: a, for_each: r.xls}\n  - {id: b, for_each: []}\n  - {id: c, for_each: [1]}\n", []string{
			`s.yaml:4:23: agents[0].for_each: want the name of a .csv or .jsonl file, got "r.xls"`,
			"s.yaml:5:13: agents[1].for_each: want at least one row",
			"s.yaml:6:24: agents[2].for_each[0]: want a mapping, got an integer",
		}},
		{"policies", world + "agents: [{id: a}]\non_failure:\n  deadline: skp\n  crash: {retry: {attempts: 0}, action: 1}\n  spawn: {action: ~}\n  oversize: action\n  crsh: skip\n  invalid_action: {skip: 1}\n", []string{
			`s.yaml:5:13: on_failure.deadline: "skp" is no policy by itself`,
			"s.yaml:6:3: on_failure.crash: want one policy, got action and retry",
			"s.yaml:6:29: on_failure.crash.retry.attempts: want at least 1, got 0",
			"s.yaml:7:19: on_failure.spawn.action: want an action, got nothing",
			`s.yaml:8:13: on_failure.oversize: "action" is no policy by itself`,
			`s.yaml:9:3: on_failure: unknown key "crsh"`,
			`s.yaml:10:20: on_failure.invalid_action: unknown key "skip"`,
		}},
		{"text", world + "agents: [{id: a, prompt: {text: \"\"}, system: [], model: \"\"}]\n", []string{
			"s.yaml:3:33: agents[0].prompt.text: want at least one character",
			"s.yaml:3:38: agents[0].system: want the name of a file, or {text: …}, got a list",
			"s.yaml:3:57: agents[0].model: want at least one character",
		}},
		{"collect", world + "agents: [{id: a}]\ncollect: [5, {agent: a, field: score}, {agent: a, field: action.x, every: 0}, {field: action}]\n", []string{
			"s.yaml:4:11: collect[0]: want the name of a column, or {agent: …, field: …}, got an integer",
			`s.yaml:4:32: collect[1].field: want a path below action or observation, got "score"`,
			"s.yaml:4:75: collect[2].every: want at least 1, got 0",
			`s.yaml:4:79: collect[3]: the key "agent" is missing`,
		}},
		{"expect", world + "agents: [{id: a}]\nexpect:\n  - {}\n  - {score: {agent: a, min: 1}, ticks: {max: 3}}\n  - score: {agent: a}\n  - column: {name: c, tick: -1, min: 3, max: 2}\n  - outcome: {type: crush, equals: x}\n", []string{
			"s.yaml:5:5: expect[0]: want one of column, outcome, score and ticks, got none",
			"s.yaml:6:5: expect[1]: want one expectation, got score and ticks",
			"s.yaml:7:5: expect[2].score: want equals, min or max, got none",
			"s.yaml:8:29: expect[3].column.tick: want at least 0, got -1",
			"s.yaml:8:46: expect[3].column.max: max is 2, below min 3",
			`s.yaml:9:21: expect[4].outcome.type: unknown value "crush"`,
			"s.yaml:9:36: expect[4].outcome.equals: want a number, got text",
		}},
		{"environment", world + "agents: [{id: a, env: {A=B: x, 1A: y, C: \"\\0\"}}]\n", []string{
			`s.yaml:3:24: agents[0].env: "A=B" is no name of an environment variable`,
			`s.yaml:3:32: agents[0].env: "1A" is no name of an environment variable`,
			"s.yaml:3:42: agents[0].env.C: the text holds a NUL character",
		}},
		{"faults", world + "agents: [{id: a}]\nfaults:\n  - {}\n  - {kill: a, drop: b, at: 1}\n  - {kill: a}\n  - {kill: a, at: -1, for: 1s}\n  - {pause: a, p: 0.5}\n  - {pause: a, p: 0, for: 0s}\n  - {kll: a}\n  - {kill: \"\", p: 2}\n", []string{
			"s.yaml:5:5: faults[0]: want one fault, got none",
			"s.yaml:6:5: faults[1]: want one fault, got kill and drop",
			"s.yaml:7:5: faults[2]: want at or p with kill, got neither",
			"s.yaml:8:19: faults[3].at: want at least 0, got -1",
			"s.yaml:8:28: faults[3].for: for does not belong to kill",
			`s.yaml:9:5: faults[4]: the key "for" is missing`,
			"s.yaml:10:19: faults[5].p: want a probability above 0 and up to 1, got 0",
			"s.yaml:10:27: faults[5].for: want a duration above 0, got 0s",
			`s.yaml:11:6: faults[6]: unknown key "kll"`,
			"s.yaml:12:12: faults[7].kill: want at least one character",
			"s.yaml:12:19: faults[7].p: want a probability above 0 and up to 1, got 2",
		}},
		{"faults of messages", world + "agents: [{id: a}]\nfaults:\n  - {drop: 5}\n  - {drop: {}}\n  - {drop: {chanel: x}}\n  - {delay: {channel: a, recipient: b}, ticks: 0}\n  - {duplicate: \"\", ticks: 2}\n  - {drop: a, at: 3, from: 2}\n  - {drop: a, from: 3, to: 2}\n  - {drop: a, p: often}\n", []string{
			"s.yaml:5:12: faults[0].drop: want the name of a channel, or {channel: …, sender: …, recipient: …}, got an integer",
			"s.yaml:6:6: faults[1].drop: want one of channel, sender and recipient, got none",
			`s.yaml:7:13: faults[2].drop: unknown key "chanel"`,
			"s.yaml:8:37: faults[3].delay.recipient: a message goes to a channel or to an agent: recipient stands without channel",
			"s.yaml:8:48: faults[3].ticks: want at least 1, got 0",
			"s.yaml:9:17: faults[4].duplicate: want the name of a channel, got empty text",
			"s.yaml:9:28: faults[4].ticks: ticks does not belong to duplicate",
			"s.yaml:10:19: faults[5].at: at is one tick, and stands without from and to",
			"s.yaml:11:28: faults[6].to: to is 2, before from 3",
			"s.yaml:12:18: faults[7].p: want a probability such as 0.1, got text",
		}},
		{"partitions", world + "agents: [{id: a}]\nfaults:\n  - {partition: a}\n  - {partition: [[a]], at: 1}\n  - {partition: [[a], []], p: 0.5}\n  - {partition: [a, [b]]}\n  - {supervisor: stop, at: 1}\n  - {supervisor: kill}\n", []string{
			"s.yaml:5:17: faults[0].partition: want a list, got text",
			"s.yaml:6:6: faults[1].partition: want at least two groups, got 1",
			"s.yaml:7:23: faults[2].partition[1]: want at least one pattern",
			"s.yaml:7:31: faults[2].p: p does not belong to partition",
			"s.yaml:8:18: faults[3].partition[0]: want a list, got text",
			`s.yaml:9:18: faults[4].supervisor: unknown value "stop"`,
			"s.yaml:10:5: faults[5]: want at or p with supervisor, got neither",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ps := Decode("s.yaml", "/", []byte(tt.yaml))
			if got := headings(ps); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestDecodeWhole(t *testing.T) {
	s, ps := Decode("s.yaml", "/d", []byte(whole))
	if len(ps) > 0 {
		t.Fatal(Problems(ps).Error())
	}
	if s.Source.Dir != "/d" || s.Source.File != "s.yaml" {
		t.Errorf("source is %q in %q", s.Source.File, s.Source.Dir)
	}
	s.Source = nil
	three, tick, no, half := 3.0, 30, false, Chance(0.5)
	want := &Scenario{
		Name: "whole", Seed: 1<<64 - 1,
		Clock:  Clock{Mode: "lockstep", Ticks: 10, Deadline: Duration(1500 * time.Millisecond)},
		World:  World{Command: []string{"python3", "w.py"}, Config: map[string]any{"a": 1, "b": -1.5, "c": nil, "d": []any{true, "x"}}, Timeout: Duration(2 * time.Minute)},
		Agents: []Entry{{ID: "a-{n}", Replicas: 2, PerProcess: 2, Kind: "stdio", Command: []string{"troupe", "bot", "x"}, State: "none", Pin: &no}, {ID: "{name}", ForEach: &Rows{File: "p.csv"}, Prompt: &Text{File: "p.md"}, System: &Text{Text: "be brief"}}, {ID: "{who}", ForEach: &Rows{List: []map[string]any{{"who": "bob"}}}, Deadline: Duration(5 * time.Second)}},
		OnFailure: map[string]Policy{
			"deadline": {Name: "skip"}, "crash": {Name: "restart", Attempts: 3}, "spawn": {Name: "retry"},
			"invalid_action": {Name: "action", Action: map[string]any{"move": "stay"}}, "oversize": {Name: "substitute", Substitute: &Substitute{Kind: "stdio", Command: []string{"x"}}},
		},
		Channels:  map[string]Channel{"den-{n}": {Members: []string{"wolf-{n}-*"}, Replicas: 10}},
		Isolation: "none", Durability: "machine",
		Faults: []Fault{
			{Kill: "a-*", P: &half}, {Pause: "a-1", At: &tick, For: Duration(200 * time.Millisecond)}, {Drop: &Traffic{Channel: "den-*"}, P: &half},
			{Delay: &Traffic{Sender: "a-1", Recipient: "a-2"}, Ticks: 2, From: &tick}, {Duplicate: &Traffic{Channel: "den-1", Sender: "a-*"}, To: &tick},
			{Partition: Groups{{"a-1"}, {"a-2", "b*"}}, From: &tick, To: &tick}, {Supervisor: "kill", At: &tick},
		},
		Collect: []Collect{{Column: "c"}, {Agent: "a-*", Field: "action.offer", Every: 10}},
		Expect:  []Expect{{Score: &ExpectScore{Agent: "a", Bounds: Bounds{Equals: &three}}}, {Column: &ExpectColumn{Name: "c", Tick: &tick, Bounds: Bounds{Min: &three}}}, {Outcome: &ExpectOutcome{Type: "crash", Bounds: Bounds{Max: &three}}}, {Ticks: &Bounds{Equals: &three}}},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

const whole = `name: whole
seed: 18446744073709551615
clock: {mode: lockstep, ticks: 10, deadline: 1.5s}
world:
  command: [python3, w.py]
  config: {a: 1, b: -1.5, c: ~, d: [true, x]}
  timeout: 2m
agents:
  - {id: "a-{n}", replicas: 2, per_process: 2, kind: stdio, command: [troupe, bot, x], state: none, pin: false}
  - {id: "{name}", for_each: p.csv, prompt: p.md, system: {text: be brief}}
  - id: "{who}"
    for_each: [{who: bob}]
    deadline: 5s
on_failure:
  deadline: skip
  crash: {restart: {attempts: 3}}
  spawn: {retry: {}}
  invalid_action: {action: {move: stay}}
  oversize: {substitute: {kind: stdio, command: [x]}}
channels: {"den-{n}": {replicas: 10, members: ["wolf-{n}-*"]}}
isolation: none
durability: machine
faults:
  - {kill: "a-*", p: 0.5}
  - {pause: a-1, at: 30, for: 200ms}
  - {drop: "den-*", p: 0.5}
  - {delay: {sender: a-1, recipient: a-2}, ticks: 2, from: 30}
  - {duplicate: {channel: den-1, sender: "a-*"}, to: 30}
  - {partition: [[a-1], [a-2, "b*"]], from: 30, to: 30}
  - {supervisor: kill, at: 30}
collect: [c, {agent: "a-*", field: action.offer, every: 10}]
expect:
  - {score: {agent: a, equals: 3}}
  - {column: {name: c, tick: 30, min: 3}}
  - {outcome: {type: crash, max: 3.0}}
  - {ticks: {equals: 3}}
`
