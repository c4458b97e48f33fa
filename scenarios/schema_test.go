package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compile compiles the schema.
func compile(t testing.TB, kinds, worlds []string) *jsonschema.Schema {
	t.Helper()
	data, err := Schema(kinds, worlds)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validator returns what holds a YAML text against the schema, as an editor does.
func validator(t testing.TB) func(data []byte) error {
	t.Helper()
	schema := compile(t, nil, nil)
	return func(data []byte) error {
		src := &Source{File: "s.yaml"}
		root, bad := parse(src, data)
		if bad != nil {
			return bad
		}
		d := &decoder{src: src}
		v, ok := d.any(place{node: root}, nil)
		if !ok {
			return Problems(d.problems)
		}
		text, err := JSON(v)
		if err != nil {
			return err
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return schema.Validate(instance)
	}
}

func TestSchemaAgreesWithDecode(t *testing.T) {
	validate := validator(t)
	shipped, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := map[string][]byte{
		"whole": []byte(whole), "head": []byte(head),
		"network":  []byte("name: x\nworld: {kind: w}\nagents: [{id: a, network: any}, {id: b, network: none}, {id: c, network: [443, 0x50, 443]}]\n"),
		"hosts":    []byte("name: x\nworld: {kind: w}\nagents: [{id: a, network: [example.org, \"*.a.example.org\", \"Example.ORG.:8443\", 443, localhost, \"10.0.0.1:80\", \"[::1]:5432\", \"::1\", \"[::1]\", a_b.x--y.org]}]\n"),
		"realtime": []byte("name: x\nclock: {mode: realtime, quiet: 2s}\nagents: [{id: a}]\n"),
	}
	for _, file := range shipped {
		if good[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range good {
		if _, ps := Decode(name, ".", data); len(ps) > 0 {
			t.Errorf("%s does not decode:\n%v", name, Problems(ps))
		}
		if err := validate(data); err != nil {
			t.Errorf("%s is not valid: %v", name, err)
		}
	}
	const world = "name: x\nworld: {kind: w}\n"
	bad := []string{
		"{}", "5", "[]",
		head + "sede: 1", head + "seed: x", head + "seed: -1", head + "secrets: {A: x}", head + "secrets: {A: {}}", head + "secrets: {A: {env: X, file: x}}", head + "secrets: {A-b: {env: X}}",
		head + "limits: {usd: 0}", head + "limits: {usd: much}", head + "limits: {wall: 1}", head + "limits: {memory: 1}", head + "limits: {memory: 1MB}",
		"name: a b\nworld: {kind: w}\nagents: [{id: a}]",
		"name: x\nworld: {}\nagents: [{id: a}]",
		"name: x\nworld: {kind: w, command: [a]}\nagents: [{id: a}]",
		"name: x\nworld: {kind: w, timeout: 5s}\nagents: [{id: a}]",
		"name: x\nworld: {command: []}\nagents: [{id: a}]",
		world + "agents: []", world + "agents: [{}]", world + "agents: [{id: a b}]",
		world + "agents: [{id: a, replicas: 0}]", world + "agents: [{id: a, replicas: 2, for_each: x.csv}]",
		world + "agents: [{id: a, for_each: x.xls}]", world + "agents: [{id: a, for_each: []}]",
		world + "agents: [{id: a, lifecycle: {}}]", world + "agents: [{id: a, state: memory}]", world + "agents: [{id: a, lifecycle: {mode: brief}}]", head + "checkpoint: {every: 0}", head + "checkpoint: {keep: 1}", head + "limits: {resident: 0}",
		world + "agents: [{id: a, network: [0]}]", world + "agents: [{id: a, network: [65536]}]", world + "agents: [{id: a, network: []}]",
		world + "agents: [{id: a, network: 443}]", world + "agents: [{id: a, network: all}]", world + "agents: [{id: a, network: example.org}]",
		world + "agents: [{id: a, network: [any]}]", world + "agents: [{id: a, network: [\"443\"]}]", world + "agents: [{id: a, network: [\"*\"]}]", world + "agents: [{id: a, network: [\"*.org\"]}]",
		world + "agents: [{id: a, network: [a.*.org]}]", world + "agents: [{id: a, network: [\"https://example.org\"]}]", world + "agents: [{id: a, network: [127.1]}]", world + "agents: [{id: a, network: [example.org:https]}]",
		world + "agents: [{id: a, network: [exämple.org]}]", world + "agents: [{id: a, network: [-a.org]}]", world + "agents: [{id: a, network: [\"fe80::1%eth0\"]}]", world + "agents: [{id: a, network: [a..org]}]",
		world + "agents: [{id: a, pin: no}]", world + "agents: [{id: a, deadline: 5}]", world + "agents: [{id: a, deadline: soon}]",
		world + "agents: [{id: a, prompt: {}}]", world + "agents: [{id: a, env: {A: 5}}]", world + "agents: [{id: a, env: {A=: x}}]",
		head + "clock: {mode: real}", head + "clock: {quiet: 2s}", head + "clock: {mode: lockstep, quiet: 2s}",
		"name: x\nagents: [{id: a}]", "name: x\nclock: {mode: lockstep}\nagents: [{id: a}]", head + "clock: {ticks: -1}", head + "isolation: moat", head + "durability: always",
		head + "on_failure: {boredom: skip}", head + "on_failure: {crash: jump}", head + "on_failure: {crash: {retry: {}, restart: {}}}",
		head + "on_failure: {crash: {}}", head + "channels: {a b: {members: []}}", head + "channels: {a: {}}",
		head + "faults: [{}]", head + "faults: [{kill: a}]", head + "faults: [{kill: a, drop: b, at: 1}]", head + "faults: [{kill: a, at: 1, for: 1s}]",
		head + "faults: [{pause: a, at: 1}]", head + "faults: [{pause: a, for: 1s}]", head + "faults: [{kill: a, p: 0}]", head + "faults: [{kill: a, p: 1.5}]",
		head + "faults: [{kill: a, at: -1}]", head + "faults: [{drop: {}}]", head + "faults: [{drop: {channel: a, recipient: b}}]", head + "faults: [{drop: a, ticks: 1}]",
		head + "faults: [{delay: a, ticks: 0}]", head + "faults: [{drop: a, at: 1, from: 1}]", head + "faults: [{partition: [[a]]}]", head + "faults: [{partition: [[a], []]}]",
		head + "faults: [{partition: [[a], [b]], p: 0.5}]", head + "faults: [{supervisor: kill}]", head + "faults: [{supervisor: stop, at: 1}]",
		head + "collect: [5]", head + "collect: [{agent: a, field: foo}]", head + "collect: [{agent: a}]",
		head + "expect: [{}]", head + "expect: [{score: {agent: a}}]", head + "expect: [{ticks: {}}]",
		head + "expect: [{ticks: {min: 1}, score: {agent: a, min: 1}}]", head + "expect: [{outcome: {type: x, min: 1}}]",
	}
	for _, text := range bad {
		if _, ps := Decode("s.yaml", ".", []byte(text)); len(ps) == 0 {
			t.Errorf("decodes:\n%s", text)
		}
		if err := validate([]byte(text)); err == nil {
			t.Errorf("is valid:\n%s", text)
		}
	}
}

func TestSchemaNames(t *testing.T) {
	instance := func(kind, world string) any {
		return map[string]any{"name": "x", "world": map[string]any{"kind": world}, "agents": []any{map[string]any{"id": "a", "kind": kind}}}
	}
	s := compile(t, []string{"stdio", "exec"}, []string{"grid-game"})
	if err := s.Validate(instance("exec", "grid-game")); err != nil {
		t.Errorf("known names are not valid: %v", err)
	}
	if s.Validate(instance("exe", "grid-game")) == nil || s.Validate(instance("exec", "grid")) == nil {
		t.Error("an unknown name is valid")
	}
	if err := compile(t, nil, nil).Validate(instance("exe", "grid")); err != nil {
		t.Errorf("without tables a name is not valid: %v", err)
	}
}

// Every property has a description, no description is left over, and nothing
// that this version refuses is in the schema.
func TestSchemaDescriptions(t *testing.T) {
	data, err := Schema(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case []any:
			for i, x := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), x)
			}
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok {
				for name, p := range properties {
					text, _ := p.(map[string]any)["description"].(string)
					if text == "" {
						t.Errorf("%s.%s has no description", path, name)
					}
					used[text] = true
				}
			}
			for name, x := range v {
				walk(path+"."+name, x)
			}
		}
	}
	walk("", root)
	for _, key := range slices.Sorted(maps.Keys(descriptions)) {
		if !used[descriptions[key]] {
			t.Errorf("the description of %s is not used", key)
		}
	}
}
