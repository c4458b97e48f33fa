package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const everything = `name: t
seed: 18446744073709551615
clock: {ticks: 3, deadline: 1500ms}
world: {command: [cat], config: {lt: "<a> & \\u003c b", big: 12345678901234567890}, timeout: 2m, env: {A: "<"}}
channels: {square: {members: ["*"]}, "den-{n}": {replicas: 2, members: ["a-{n}"]}}
agents:
  - {id: "a-{n}", replicas: 2, max: 4, per_process: 2, pin: true, command: [python3, x.py], network: any, config: {say: "<{n}>"}, on_failure: {deadline: {action: "<&>"}}}
  - {id: b, kind: exec, command: [cat], network: [443, 80], env: {X: "1"}, on_failure: {spawn: {substitute: {command: [cat]}}}}
collect: [c, {agent: b, field: action.x}]
expect: [{score: {agent: b, equals: 3}}, {column: {name: c, tick: 0, min: 1}}, {ticks: {max: 9}}]
`

func TestPlanReadBack(t *testing.T) {
	dir := folder(t, map[string]string{"x.py": "x"})
	p := mustExpand(t, dir, everything, "agents.a-2.deadline=3s")
	indented, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{toJSON(t, p), string(indented)} {
		var back Plan
		if err := json.Unmarshal([]byte(raw), &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&back, p) {
			t.Errorf("read back, the plan is\n%s\nwant\n%s", toJSON(t, back), toJSON(t, p))
		}
		same(t, "genesis", back.Genesis(), p.Genesis())
		same(t, "again", toJSON(t, back), toJSON(t, p))
	}
	for _, want := range []string{`"deadline": "1.5s"`, `"timeout": "2m0s"`} {
		if !strings.Contains(string(indented), want) {
			t.Errorf("%s is not in\n%s", want, indented)
		}
	}
}

func TestPlanReadBackShares(t *testing.T) {
	p := mustExpand(t, t.TempDir(), head+`agents: [{id: "a-{n}", replicas: 9, command: [cat], config: {x: 1}}]`)
	var back Plan
	if err := json.Unmarshal([]byte(toJSON(t, p)), &back); err != nil {
		t.Fatal(err)
	}
	if &back.Agents[0].Config[0] != &back.Agents[8].Config[0] {
		t.Error("agents with one config hold copies of it")
	}
}

func TestBrokenPlans(t *testing.T) {
	for raw, want := range map[string]string{
		`{"agents":[{"id":"a","entry":3}]}`:          "cannot read a plan: agent a is of entry 3, and there are 0",
		`{"processes":[{"id":"a","entry":-1}]}`:      "cannot read a plan: process a is of entry -1, and there are 0",
		`{"entries":[{"id":"a","deadline":"soon"}]}`: `cannot read a plan: time: invalid duration "soon"`,
		`{"world":{"timeout":"x"}}`:                  `cannot read a plan: time: invalid duration "x"`,
		`{"seed":-1}`:                                "cannot read a plan: json: cannot unmarshal number -1 into Go struct field plain.seed of type uint64",
	} {
		var p Plan
		same(t, raw, fmt.Sprint(json.Unmarshal([]byte(raw), &p)), want)
	}
}

func TestGenesis(t *testing.T) {
	dir := folder(t, map[string]string{"x.py": "x"})
	base := mustExpand(t, dir, everything).Genesis()
	sum := sha256.Sum256([]byte(`{"agents":[` +
		`{"config":{"say":"<1>"},"id":"a-1"},{"config":{"say":"<2>"},"id":"a-2"},{"config":{},"id":"b"}],` +
		`"channels":{"den-1":["a-1"],"den-2":["a-2"],"square":["*"]},` +
		`"protocol":1,"seed":18446744073709551615,` +
		`"world":{"config":{"big":12345678901234567890,"lt":"<a> & \\u003c b"},"kind":"process"}}`))
	same(t, "genesis", hex.EncodeToString(base[:]), hex.EncodeToString(sum[:]))
	for set, stays := range map[string]bool{
		"name=other":                         true,
		"agents.b.kind=stdio":                true,
		"agents.b.command=[sh]":              true,
		"agents.*.deadline=9s":               true,
		"agents.a-*.per_process=1":           true,
		"agents.a-*.pin=false":               true,
		"agents.b.on_failure.crash=abort":    true,
		"on_failure.crash=abort":             true,
		"clock.ticks=99":                     true,
		"durability=machine":                 true,
		"world.command=[sh]":                 true,
		"world.timeout=9s":                   true,
		"expect=[]":                          true,
		"seed=3":                             false,
		"world.config.big=1":                 false,
		"agents.b.config.x=1":                false,
		"channels.square.members=[b]":        false,
		"channels.den-{n}.replicas=1":        false,
		"channels.circle={members: [\"*\"]}": false,
	} {
		same(t, set+" leaves the genesis", mustExpand(t, dir, everything, set).Genesis() == base, stays)
	}
	other := strings.Replace(everything, "id: b,", "id: c,", 1)
	other = strings.ReplaceAll(strings.Replace(other, "agent: b, field", "agent: c, field", 1), "agent: b, equals", "agent: c, equals")
	if mustExpand(t, dir, other).Genesis() == base {
		t.Error("another id leaves the genesis")
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add(`{"name":"t","entries":[{"id":"a","config":{"x":"\u003c"},"deadline":"5s"}],"agents":[{"id":"a","entry":0,"config":{}}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var p, back Plan
		if json.Unmarshal([]byte(raw), &p) != nil {
			return
		}
		_ = p.Genesis()
		once, err := json.Marshal(&p)
		if err != nil {
			return
		}
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("cannot read back %s: %v", once, err)
		}
		if p.Genesis() != back.Genesis() {
			t.Errorf("another genesis once read back: %s", once)
		}
	})
}

func FuzzRestore(f *testing.F) {
	f.Add(`{"a":"<>& \\u003c \\\u003c \u2028"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, value := range []map[string]any{{"x": text}, {text: []any{text}}} {
			raw, err := canonical(value)
			if err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(raw)
			if err != nil {
				t.Fatal(err)
			}
			same(t, text, string(restore(again)), string(raw))
		}
	})
}

// Without a world there is none in what is hashed, nor in what is written.
func TestGenesisWithoutAWorld(t *testing.T) {
	const yaml = "name: x\nseed: 5\nclock: {mode: realtime, quiet: 2s}\nagents: [{id: a, command: [cat]}]\nchannels: {sq: {members: ['*']}}\n"
	p := mustExpand(t, t.TempDir(), yaml)
	text := `{"agents":[{"config":{},"id":"a"}],"channels":{"sq":["*"]},"protocol":1,"seed":5}`
	same(t, "genesis", p.Genesis(), sha256.Sum256([]byte(text)))
	written := toJSON(t, p)
	if !strings.Contains(written, `"quiet":"2s"`) || strings.Contains(written, `"world"`) {
		t.Errorf("the plan is %s", written)
	}
	var back Plan
	if err := json.Unmarshal([]byte(written), &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, *p) {
		t.Errorf("read back it is %+v, and was %+v", back, *p)
	}
}
