package plan

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestAdmit(t *testing.T) {
	dir := folder(t, map[string]string{"rabbit.py": "", "young/7.py": "", "run-8*": "#!/bin/sh\n", "run-9": "x", "lib.py": "", "run-1*": "#!/bin/sh\n"})
	p := mustExpand(t, dir, head+`agents:
  - {id: "rabbit-{n}", max: 3, per_process: 2, command: [python3, rabbit.py, "{{n}}"], config: {n: "{n}", who: "I am {n}", sex: f, deep: {a: 1, b: 2}}}
  - {id: "hare-{n}", max: 3, command: [sh, "young/{n}.py", "--n={n}", "{n}"], files: [young/*], env: {N: "<{n}>"}, on_failure: {crash: skip}}
  - {id: "own-{n}", replicas: 1, max: 2, command: ["run-{n}"], files: [run-*]}
  - {id: fox, command: [cat]}
`, "agents.hare-1.command=[cat]")
	alive := func(int) int { return 0 }
	for _, c := range []struct{ id, config, want string }{
		{"rabbit-12", `{"sex":"m","deep":{"c":3},"big":12345678901234567890}`,
			`{"id":"rabbit-12","entry":0,"config":{"big":12345678901234567890,"deep":{"c":3},"n":12,"sex":"m","who":"I am 12"}}` +
				` {"id":"rabbit-12","entry":0,"agents":["rabbit-12"],"command":["/usr/bin/python3","{program}/rabbit.py","{n}"]}`},
		{"hare-7", `null`, `{"id":"hare-7","entry":2,"config":{}}` +
			` {"id":"hare-7","entry":2,"agents":["hare-7"],"command":["/usr/bin/sh","{program}/young/7.py","--n=7","7"],"env":{"N":"\u003c7\u003e"}}`},
		{"own-8", ``, `{"id":"own-8","entry":3,"config":{}} {"id":"own-8","entry":3,"agents":["own-8"],"command":["{program}/run-8"]}`},
		{"hare-8", ``, `cannot add agent hare-8: the file young/8.py was not copied into the run: list it under files`},
		{"own-9", ``, `cannot add agent own-9: run-9 is not executable`},
		{"own-10", ``, `cannot add agent own-10: the file run-10 was not copied into the run: list it under files`},
		{"fox", ``, `cannot add agent fox: it matches no entry that says max: rabbit-{n}, hare-{n}, own-{n}, where {n} counts from 1`},
		{"rabbit-07", ``, `cannot add agent rabbit-07: it matches no entry that says max: rabbit-{n}, hare-{n}, own-{n}, where {n} counts from 1`},
		{"rabbit-0", ``, `cannot add agent rabbit-0: it matches no entry that says max: rabbit-{n}, hare-{n}, own-{n}, where {n} counts from 1`},
		{"rabbit-99999999999999999999", ``, `cannot add agent rabbit-99999999999999999999: it matches no entry that says max: rabbit-{n}, hare-{n}, own-{n}, where {n} counts from 1`},
		{"a.b", ``, `cannot add agent "a.b": cannot use "a.b" as an id because of '.': an id is 1 to 64 characters of A-Z a-z 0-9 _ -`},
		{"rabbit-4", `[1]`, `cannot add agent rabbit-4: the config that the world gives is not a JSON object: json: cannot unmarshal array into Go value of type map[string]interface {}`},
	} {
		a, process, err := p.Admit(c.id, json.RawMessage(c.config), alive)
		got := fmt.Sprint(err)
		if err == nil {
			got = toJSON(t, a) + " " + toJSON(t, process)
		}
		same(t, c.id, got, c.want)
	}
	_, _, err := mustExpand(t, dir, head+"agents: [{id: fox, command: [cat]}]").Admit("fox-1", nil, alive)
	same(t, "no max", fmt.Sprint(err), "cannot add agent fox-1: no entry of the scenario says max, so the world may add none")
}

func TestAdmitCountsTheLiving(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`agents: [{id: "r-{n}", replicas: 2, max: 3, command: [cat]}, {id: x, command: [cat]}]`)
	for living, fits := range map[int]bool{0: true, 2: true, 3: false, 4: false} {
		_, _, err := p.Admit("r-9", nil, func(entry int) int {
			if entry != 0 {
				t.Errorf("asked for entry %d", entry)
			}
			return living
		})
		same(t, fmt.Sprint(living, " alive"), err == nil, fits)
	}
}
