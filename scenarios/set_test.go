package scenarios

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestParseSet(t *testing.T) {
	tests := []struct {
		in    string
		path  []string
		value string
		err   string
	}{
		{"seed=3", []string{"seed"}, "3", ""},
		{"agents.villager-*.kind=stdio", []string{"agents", "villager-*", "kind"}, "stdio", ""},
		{"world.config.a==b=", []string{"world", "config", "a"}, "=b=", ""},
		{"model=", []string{"model"}, "", ""},
		{"seed", nil, "", `cannot read --set "seed": no equals sign: want path=value, such as world.config.turns=10`},
		{"=3", nil, "", `cannot read --set "=3": an empty key in its path: want path=value, such as world.config.turns=10`},
		{"a..b=3", nil, "", `cannot read --set "a..b=3": an empty key in its path: want path=value, such as world.config.turns=10`},
	}
	for _, tt := range tests {
		path, value, err := ParseSet(tt.in)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if !reflect.DeepEqual(path, tt.path) || value != tt.value || got != tt.err {
			t.Errorf("ParseSet(%q) = %q, %q, %q", tt.in, path, value, got)
		}
	}
}

func TestMerge(t *testing.T) {
	config := map[string]any{"turns": 200, "pay": map[string]any{"r": 3, "t": 5}}
	s := &Scenario{Name: "x", World: World{Kind: "w", Config: config}, Agents: []Entry{{ID: "a"}}}
	for _, set := range []struct {
		path  []string
		value string
	}{
		{[]string{"seed"}, "18446744073709551615"},
		{[]string{"world", "config", "turns"}, "10"},
		{[]string{"world", "config", "pay", "t"}, "[1, 2.5, yes]"},
		{[]string{"world", "config"}, "{new: {x: ~}}"},
		{[]string{"clock"}, "{ticks: 3}"},
		{[]string{"clock", "deadline"}, "2m"},
		{[]string{"on_failure", "crash"}, "{retry: {attempts: 4}}"},
		{[]string{"channels", "den"}, "{members: [a]}"},
		{[]string{"channels", "den", "replicas"}, "2"},
		{[]string{"expect"}, "[{ticks: {max: 3}}]"},
	} {
		if ps := Merge(s, "", set.path, set.value); len(ps) > 0 {
			t.Errorf("%v=%s: %v", set.path, set.value, Problems(ps))
		}
	}
	three := 3.0
	want := &Scenario{
		Name: "x", Seed: 1<<64 - 1, Clock: Clock{Ticks: 3, Deadline: Duration(2 * time.Minute)},
		World:     World{Kind: "w", Config: map[string]any{"turns": 10, "pay": map[string]any{"r": 3, "t": []any{1, 2.5, "yes"}}, "new": map[string]any{"x": nil}}},
		Agents:    []Entry{{ID: "a"}},
		OnFailure: map[string]Policy{"crash": {Name: "retry", Attempts: 4}},
		Channels:  map[string]Channel{"den": {Members: []string{"a"}, Replicas: 2}},
		Expect:    []Expect{{Ticks: &Bounds{Max: &three}}},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	if want := map[string]any{"turns": 200, "pay": map[string]any{"r": 3, "t": 5}}; !reflect.DeepEqual(config, want) {
		t.Errorf("a mapping that others hold became %v", config)
	}
}

func TestMergeProblems(t *testing.T) {
	tests := []struct {
		at    string
		path  []string
		value string
		want  []string
	}{
		{"agents.a", []string{"knd"}, "x", []string{"--set agents.a.knd=x: unknown key \"knd\"\n  hint: did you mean \"kind\"? the keys here: allowed_tools, command, config, deadline, env, files, flags, for_each, gateway, id, kind, lifecycle, limits, max, max_turns, mcp, message, messages, model, network, on_failure, per_process, permission_mode, pin, prompt, readable, replicas, run, secrets, serves, settings, shared, state, system, workspace"}},
		{"agents.a", []string{"kind"}, "5", []string{"--set agents.a.kind=5: want text, got an integer\n  hint: write it in quotes: \"5\""}},
		{"agents.a", []string{"kind"}, "", []string{"--set agents.a.kind=: want text, got nothing\n  hint: leave the key out, or give it a value"}},
		{"agents.a", []string{"kind", "x"}, "5", []string{"--set agents.a.kind.x=5: want text, got a mapping"}},
		{"agents.a", []string{"command", "1"}, "x", []string{"--set agents.a.command.1=x: want a list, got a mapping"}},
		{"agents.a", []string{"pin"}, "off", []string{"--set agents.a.pin=off: want true or false, got text"}},
		{"", []string{"deadline"}, "soon", []string{"--set deadline=soon: want a duration such as 500ms, 5s or 2m, got \"soon\""}},
		{"", []string{"config"}, "[1", []string{"--set config=[1: cannot read as YAML: did not find expected ',' or ']' while parsing a flow sequence that begins on line 1"}},
		{"", []string{"lifecycle"}, "{}", []string{"--set lifecycle={}: the key \"mode\" is missing"}},
		{"", []string{"for_each"}, "x.csv", []string{"--set for_each=x.csv: replicas and for_each exclude each other\n  hint: for_each makes an agent of each row"}},
		{"", nil, "{max: 1, state: memory}", []string{
			"--set ={max: 1, state: memory}: unknown value \"memory\"\n  hint: what it may be: none, reobserve, session, snapshot",
			"--set ={max: 1, state: memory}: max is 1, below the 2 replicas at the start",
		}},
	}
	for _, tt := range tests {
		before := Entry{ID: "a", Kind: "stdio", Replicas: 2, Config: map[string]any{"x": 1}}
		e := before
		var got []string
		for _, p := range Merge(&e, tt.at, tt.path, tt.value) {
			got = append(got, p.String())
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("got\n%q\nwant\n%q", got, tt.want)
		}
		if !reflect.DeepEqual(e, before) {
			t.Errorf("%v=%s changed the entry to %+v", tt.path, tt.value, e)
		}
	}
	if ps := Merge(nil, "", []string{"a"}, "1"); len(ps) != 1 {
		t.Errorf("nothing to set gives %v", ps)
	}
}

func FuzzMerge(f *testing.F) {
	f.Add("config.a.b", "{c: [1, ~]}")
	f.Add("on_failure.crash", "{substitute: {kind: x}}")
	f.Add("for_each", "[{a: 1}]")
	f.Fuzz(func(t *testing.T, set, value string) {
		path, rest, err := ParseSet(set + "=" + value)
		if err != nil {
			return
		}
		e := Entry{ID: "a", Config: map[string]any{"a": map[string]any{"b": 1}}, Env: map[string]string{"A": "b"}}
		before := e
		if ps := Merge(&e, "agents.a", path, rest); len(ps) > 0 && !reflect.DeepEqual(e, before) {
			t.Errorf("problems, and the entry became %+v", e)
		}
		if _, err := JSON(e.Config); err != nil {
			t.Errorf("a config that is no JSON: %v", err)
		}
	})
}

func TestJSON(t *testing.T) {
	const yaml = "name: x\nagents: [{id: a}]\nworld:\n  kind: w\n  config: {b: [1, 1.0, 1.5, 1e21, -0, 0x10, 0o17, 9007199254740993, 18446744073709551615, 123456789012345678901234567890], a: {z: ~, é: <&>, \"1\": true}, c: [yes, 2020-01-01, \"\", +5]}\n"
	s, ps := Decode("s.yaml", "/", []byte(yaml))
	if len(ps) > 0 {
		t.Fatal(Problems(ps))
	}
	got, err := JSON(s.World.Config)
	want := `{"a":{"1":true,"z":null,"é":"<&>"},"b":[1,1,1.5,1e+21,0,16,15,9007199254740993,18446744073709551615,123456789012345678901234567890],"c":["yes","2020-01-01","",5]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if !json.Valid(got) {
		t.Error("no JSON")
	}
	if got, err := JSON(World{}.Config); string(got) != "{}" || err != nil {
		t.Errorf("a config that is not set gives %s, %v", got, err)
	}
	if _, err := JSON(func() {}); err == nil {
		t.Error("a function is JSON")
	}
}
