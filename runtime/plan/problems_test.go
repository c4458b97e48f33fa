package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/scenarios"
)

// mistakes are scenarios, each below head, with all that is told of them:
// place: message (hint). Head has two lines.
var mistakes = []struct {
	name, yaml, want string
}{
	{"duplicate id", `agents:
  - {id: a, command: [cat]}
  - {id: b, command: [cat]}
  - {id: a, command: [cat]}`,
		`6:10: agents[2].id: duplicate id "a" (the id on line 4 already gives it)`},
	{"replicas without variable", `agents: [{id: a, replicas: 3, command: [cat]}]`,
		`3:15: agents[0].id: 3 agents would have the id "a" (put a variable into it: there are {n})`},
	{"rows without variable", `agents: [{id: a, for_each: [{x: 1}, {x: 2}], command: [cat]}]`,
		`3:15: agents[0].id: 2 agents would have the id "a" (put a variable into it: there are {n}, {x})`},
	{"rows with one name", `agents: [{id: "{x}", for_each: [{x: u}, {x: v}, {x: u}], command: [cat]}]`,
		`3:15: agents[0].id: duplicate id "u" in row 3 of for_each (an earlier row of the same entry already gives it)`},
	{"unknown variable", `agents: [{id: "a-{m}", replicas: 2, command: [cat]}]`,
		`3:15: agents[0].id: unknown variable {m} (there are {n})`},
	{"no variables", `agents: [{id: "a-{n}", command: [cat]}]`,
		`3:15: agents[0].id: unknown variable {n} (there are none here: replicas, max and for_each bring them)`},
	{"unknown variable in config", `agents:
  - id: "{x}"
    for_each: [{x: u}]
    command: [cat]
    config:
      say: "I am {x}, ${HOME}"
      list: ["{x}", "{y}"]`,
		`8:12: agents[0].config.say: unknown variable {HOME} in row 1 of for_each (there are {n}, {x}; {{HOME}} stands for the literal text)
9:21: agents[0].config.list[1]: unknown variable {y} in row 1 of for_each (there are {n}, {x}; {{y}} stands for the literal text)`},
	{"id from a row", `agents: [{id: "{x}", for_each: [{x: "a b"}, {x: ok}, {x: ""}], command: [cat]}]`,
		`3:15: agents[0].id: cannot use "a b" as an id because of ' ' in row 1 of for_each (an id is 1 to 64 characters of A-Z a-z 0-9 _ -)
3:15: agents[0].id: cannot use an empty id in row 3 of for_each (an id is 1 to 64 characters of A-Z a-z 0-9 _ -)`},
	{"reserved column", `agents: [{id: "{x}", for_each: [{x: u, n: 3}], command: [cat]}]`,
		`3:22: agents[0].for_each: a column cannot be named "n": {n} is the row's number, {program} the directory of copied files ()`},
	{"missing rows", `agents: [{id: "{x}", for_each: people.csv, command: [cat]}]`,
		`3:32: agents[0].for_each: no such file beside the scenario: people.csv ()`},
	{"max without variable", `agents: [{id: a, max: 3, command: [cat]}]`,
		`3:15: agents[0].id: an entry with max needs {n} in its id, and "a" has none (such as a-{n})`},
	{"max with rows", `agents: [{id: "{x}-{n}", for_each: [{x: u}], max: 3, command: [cat]}]`,
		`3:51: agents[0].max: an agent that the world adds has no row of for_each (use replicas beside max)`},
	{"too many", `agents: [{id: "a-{n}", replicas: 10000000, command: [cat]}]`,
		`3:10: agents[0]: the scenario has more than 1000000 agents ()`},
	{"idle without hybrid", `agents: [{id: a, command: [cat], lifecycle: {mode: ephemeral, idle: 5s}}]`,
		`3:69: agents[0].lifecycle.idle: only hybrid agents are parked when idle (lifecycle: {mode: hybrid, idle: 30s})`},
	{"a process for every turn that lives", `agents: [{id: a, kind: exec, command: [cat], lifecycle: {mode: hybrid}}]`,
		`3:46: agents[0].lifecycle: kind exec starts a process for every turn, which is never hybrid (leave lifecycle out, or use kind stdio)`},
	{"too many residents", `limits: {resident: 2}
agents: [{id: "a-{n}", replicas: 3, command: [cat], lifecycle: {mode: long-running}}]`,
		`3:20: limits.resident: 3 processes are long-running, and 2 may be there at a time (give their entries lifecycle: {mode: hybrid}, or leave lifecycle out)`},
	{"no place left", `limits: {resident: 1}
agents: [{id: a, command: [cat], lifecycle: {mode: long-running}}, {id: b, command: [cat]}]`,
		`3:20: limits.resident: 1 long-running processes leave no place for the other 1 (allow one more at least)`},
	{"unknown kind", `agents: [{id: a, kind: studio, command: [cat]}]`,
		`3:24: agents[0].kind: unknown kind "studio" (the kinds are claude, codex, exec, human, nats, recorded, stdio)`},
	{"neither kind nor command", `agents: [{id: a}]`,
		`3:10: agents[0]: neither kind nor command says how the agent is driven (the kinds are claude, codex, exec, human, nats, recorded, stdio)`},
	{"kind without command", `agents: [{id: a, kind: stdio}]`,
		`3:10: agents[0]: kind stdio needs a command (add command: [python3, agent.py], or whatever starts the agent)`},
	{"state of exec", `agents: [{id: a, kind: exec, command: [cat], state: reobserve}]`,
		`3:53: agents[0].state: an agent of kind exec cannot come back by state reobserve (it can by none)`},
	{"exec shared", `agents: [{id: "a-{n}", replicas: 4, per_process: 2, kind: exec, command: [cat]}]`,
		`3:50: agents[0].per_process: kind exec starts a process for every turn, which cannot be shared (use kind stdio, or leave per_process out)`},
	{"shared and different", `agents: [{id: "a-{n}", replicas: 4, per_process: 2, command: [cat, "{n}"], env: {N: "x{n}"}}]`,
		`3:68: agents[0].command[1]: {n} differs between agents that share a process (leave per_process out, or put it into config)
3:85: agents[0].env.N: {n} differs between agents that share a process (leave per_process out, or put it into config)`},
	{"missing program", `agents: [{id: a, command: [pyton3, agent.py]}]`,
		`3:28: agents[0].command[0]: no program "pyton3" in PATH, nor a file of that name beside the scenario (install it, or name a file beside the scenario)
3:36: agents[0].command[1]: no such file beside the scenario: agent.py (it is looked for in DIR)`},
	{"one word", `agents: [{id: a, command: ["python3 agent.py"]}]`,
		`3:28: agents[0].command[0]: no program "python3 agent.py" in PATH, nor a file of that name beside the scenario (write each word of the command by itself: [python3, agent.py])`},
	{"missing script", `agents: [{id: a, command: [./agent]}]`,
		`3:28: agents[0].command[0]: no such file beside the scenario: ./agent (it is looked for in DIR)`},
	{"not executable", `agents: [{id: a, command: [plain.txt]}]`,
		`3:28: agents[0].command[0]: plain.txt is not executable (make it so with chmod +x plain.txt, or name its interpreter: [python3, plain.txt])`},
	{"no interpreter", `agents: [{id: a, command: [gone.sh]}, {id: b, command: [gone-env.sh]}, {id: c, command: [crlf.sh]}]`,
		`3:28: agents[0].command[0]: cannot execute gone.sh: its interpreter /no/such/sh does not exist (name the interpreter yourself: [python3, gone.sh])
3:57: agents[1].command[0]: cannot execute gone-env.sh: its interpreter pyton is not in PATH (name the interpreter yourself: [python3, gone-env.sh])
3:90: agents[2].command[0]: cannot execute crlf.sh: its first line ends in a carriage return, which the kernel takes for part of the interpreter's name (name the interpreter yourself: [python3, crlf.sh])`},
	{"files", `agents: [{id: a, command: [cat], files: [lib/*.c, /etc/passwd, "[", ""], prompt: p.md, system: /s.md}]`,
		`3:42: agents[0].files[0]: no file matches "lib/*.c" beside the scenario (it is looked for in DIR)
3:51: agents[0].files[1]: files: "/etc/passwd" is not relative to the scenario (name files beside the scenario, such as lib/**)
3:64: agents[0].files[2]: cannot list files: "[" is not a pattern: syntax error in pattern ()
3:69: agents[0].files[3]: files: "" is not relative to the scenario (name files beside the scenario, such as lib/**)
3:82: agents[0].prompt: no such file beside the scenario: p.md (it is looked for in DIR)
3:96: agents[0].system: /s.md is not relative to the scenario (put the file beside the scenario)`},
	{"too large", `agents: [{id: a, command: [cat, large.bin]}]`,
		`3:33: agents[0].command[1]: cannot read large.bin: DIR/large.bin is larger than 64 MiB, the most that is copied into a run ()`},
	{"copied word", `agents: [{id: a, command: [cat, "{program}/lib/a.py", "{program}/x"], files: [lib/a.py]}]`,
		`3:55: agents[0].command[2]: no copied file {program}/x (list it under files)`},
	{"reserved environment", `agents: [{id: a, command: [cat], env: {TROUPE_RUN: x}}]`,
		`3:40: agents[0].env.TROUPE_RUN: TROUPE_RUN is set by the runtime (choose a name that does not begin with TROUPE_)`},
	{"policy", `on_failure: {deadline: retry}
agents: [{id: a, command: [cat], on_failure: {crash: wait, spawn: {substitute: {command: [x.py]}}}}, {id: b, command: [cat]}]`,
		`3:24: on_failure.deadline: the policy "retry" does nothing about deadline (what can be done is abort, action, noop, restart, skip, stop, substitute)
4:54: agents[0].on_failure.crash: the policy "wait" does nothing about crash (what can be done is abort, action, noop, restart, skip, stop, substitute)
4:91: agents[0].on_failure.spawn.substitute.command[0]: no such file beside the scenario: x.py (it is looked for in DIR)`},
	{"channels", `channels:
  square: {members: [nobody, "a*", "b-0*"]}
  pair: {replicas: 2, members: [a]}
  "den-{n}": {members: [a]}
  "x-{n}": {replicas: 2, members: [a]}
  x-2: {members: [a]}
agents: [{id: a, command: [cat]}, {id: "b-{n}", max: 4, command: [cat]}]`,
		`4:22: channels.square.members[0]: no agent matches "nobody" (the agents are a, b-{n})
4:36: channels.square.members[2]: no agent matches "b-0*" (the agents are a, b-{n})
5:3: channels.pair: 2 channels would have the name "pair" (put {n} into it)
6:3: channels.den-{n}: unknown variable in the channel's name "den-{n}" (replicas: N brings {n})
8:3: channels.x-2: duplicate channel "x-2" (the one on line 7 already has the name)`},
	{"collect and expect", `agents: [{id: a, command: [cat]}]
collect: [{agent: x, field: action}]
expect:
  - {score: {agent: y, min: 1}}
  - {outcome: {type: crash, agent: z, min: 1}}`,
		`4:19: collect[0].agent: no agent matches "x" (the agents are a)
6:21: expect[0].score.agent: no agent matches "y" (the agents are a)
7:36: expect[1].outcome.agent: no agent matches "z" (the agents are a)`},
	{"faults", `agents: [{id: a, command: [cat]}, {id: "b-{n}", max: 3, command: [cat]}]
clock: {ticks: 5}
channels: {square: {members: [a]}}
faults:
  - {kill: x, at: 5}
  - {kill: b-2, at: 4}
  - {pause: y, from: 9, p: 0.1, for: 1s}
  - {drop: sqare}
  - {delay: {channel: "z*", sender: z}}
  - {drop: {sender: a, recipient: "z-*"}}
  - {partition: [[a], ["*"]], at: 1}
  - {partition: [["b-?"], [c]], at: 1}`,
		`7:12: faults[0].kill: no agent matches "x" (the agents are a, b-{n})
7:19: faults[0].at: tick 5 never comes (the clock has 5 ticks, from 0 to 4)
9:13: faults[2].pause: no agent matches "y" (the agents are a, b-{n})
9:22: faults[2].from: tick 9 never comes (the clock has 5 ticks, from 0 to 4)
10:12: faults[3].drop: no channel matches "sqare" (the channels are square)
11:23: faults[4].delay.channel: no channel matches "z*" (the channels are square)
11:37: faults[4].delay.sender: no agent matches "z" (the agents are a, b-{n})
12:35: faults[5].drop.recipient: no agent matches "z-*" (the agents are a, b-{n})
13:23: faults[6].partition[1]: agent a is in two groups, 1 and 2 ()
14:28: faults[7].partition[1][0]: no agent matches "c" (the agents are a, b-{n})`},
	{"beside what decoding found", `agents:
  - {id: a, comand: [cat]}
  - {id: "b-{n}", replicas: two, command: [cat]}
  - {id: c, command: [nothing], channel: [x]}
channels: {x: {members: [nobody]}}`,
		`4:13: agents[0]: unknown key "comand" (did you mean "command"? the keys here: allowed_tools, command, config, deadline, env, files, flags, for_each, gateway, id, kind, lifecycle, limits, max, max_turns, mcp, message, messages, model, network, on_failure, per_process, permission_mode, pin, prompt, readable, replicas, run, secrets, serves, settings, shared, state, system, workspace)
5:29: agents[1].replicas: want an integer, got text ()
6:23: agents[2].command[0]: no program "nothing" in PATH, nor a file of that name beside the scenario (install it, or name a file beside the scenario)
6:33: agents[2]: unknown key "channel" (the keys here: allowed_tools, command, config, deadline, env, files, flags, for_each, gateway, id, kind, lifecycle, limits, max, max_turns, mcp, message, messages, model, network, on_failure, per_process, permission_mode, pin, prompt, readable, replicas, run, secrets, serves, settings, shared, state, system, workspace)`},
}

func TestMistakes(t *testing.T) {
	dir := folder(t, map[string]string{
		"plain.txt": "x", "lib/a.py": "", "gone.sh*": "#!/no/such/sh\n", "gone-env.sh*": "#! /usr/bin/env pyton\n", "crlf.sh*": "#!/bin/sh\r\n",
		"large.bin": "",
	})
	if err := os.Truncate(filepath.Join(dir, "large.bin"), largest+1); err != nil {
		t.Fatal(err)
	}
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) { told(t, dir, head+m.yaml+"\n", nil, m.want) })
	}
}

// told expands a scenario and compares all that is told of it.
func told(t *testing.T, dir, yaml string, sets []string, want string) {
	t.Helper()
	p, problems := expand(dir, yaml, Options{Sets: sets})
	if (p == nil) != (len(problems) > 0) {
		t.Errorf("a plan and problems exclude each other: %v", problems)
	}
	var lines []string
	for _, p := range problems {
		place := p.File
		if p.Line > 0 {
			place = fmt.Sprintf("%d:%d", p.Line, p.Column)
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", place, p.Message, p.Hint))
	}
	got := strings.ReplaceAll(strings.Join(lines, "\n"), dir, "DIR")
	got = strings.ReplaceAll(got, filepath.Dir(dir)+"/", "TOP/")
	same(t, "problems", got, want)
}

func TestMistakesInWorlds(t *testing.T) {
	for _, m := range []struct{ name, yaml, want string }{
		{"unknown world", "world: {kind: matrix}",
			`2:15: world.kind: unknown world "matrix" (the built-in worlds are conversation, grid-game, matrix-game, population, public-goods, tasks, werewolf; command: […] starts one of your own)`},
		{"missing command", "world: {command: [python3, world.py]}",
			`2:28: world.command[1]: no such file beside the scenario: world.py (it is looked for in DIR)`},
		{"neither", "world: {config: {}}",
			`2:1: world: want kind or command, got neither (kind names a built-in world, command starts one that is a process)`},
	} {
		t.Run(m.name, func(t *testing.T) {
			told(t, t.TempDir(), "name: t\n"+m.yaml+"\nagents: [{id: a, command: [cat]}]\n", nil, m.want)
		})
	}
}

func TestManyMistakesAtOnePlace(t *testing.T) {
	_, problems := expand(t.TempDir(), head+`agents: [{id: "{n} x", for_each: [{},{},{},{},{},{},{},{},{}], command: [cat]}]`, Options{})
	same(t, "told", len(problems), 1)
	rows := strings.Repeat("{x: a b},", 50)
	_, problems = expand(t.TempDir(), head+`agents: [{id: "{x}", for_each: [`+rows+`], command: [cat]}]`, Options{})
	same(t, "told", len(problems), mostHere+1)
	same(t, "last", problems[mostHere].Message, "more problems of this kind are not listed")
}

func TestNothingToExpand(t *testing.T) {
	_, problems := Expand(nil, Options{})
	same(t, "told", fmt.Sprint(problems), "[scenario: there is no scenario]")
	s, found := scenarios.Decode("s.yaml", t.TempDir(), []byte("- a\n"))
	_, problems = Expand(s, Options{Found: found})
	same(t, "told", fmt.Sprint(problems), fmt.Sprint(found))
}

func FuzzExpand(f *testing.F) {
	for _, m := range mistakes {
		f.Add(head+m.yaml, "agents.*.deadline=1s")
	}
	f.Add(everything, "agents.a-2.config={x: 1}")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, yaml, set string) {
		if strings.Contains(yaml, "replicas") && strings.ContainsAny(yaml, "56789") || strings.Contains(set, "replicas") {
			return // large numbers take long and show nothing more
		}
		p, problems := expand(dir, yaml, Options{Sets: []string{set}})
		if (p == nil) != (len(problems) > 0) {
			t.Fatalf("a plan and problems exclude each other: %v", problems)
		}
		if p == nil {
			return
		}
		again, _ := expand(dir, yaml, Options{Sets: []string{set}})
		same(t, "plan", toJSON(t, again), toJSON(t, p))
		var back Plan
		if err := json.Unmarshal([]byte(toJSON(t, p)), &back); err != nil || back.Genesis() != p.Genesis() {
			t.Errorf("the plan is not what it was once read back (%v): %s", err, toJSON(t, p))
		}
	})
}
