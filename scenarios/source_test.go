package scenarios

import (
	"errors"
	"strings"
	"testing"
)

func TestSource(t *testing.T) {
	const yaml = `name: x
world: {kind: w}
agents:
  - id: a
    command: [python3, "ü", a.py]
  - &b {id: b, env: {A: x}}
  - *b
channels:
  den-{n}:
    members: [a, b]
  a.b: {members: []}
  a:
    members: [x]
`
	s, _ := Decode("s.yaml", "/", []byte(yaml))
	for path, want := range map[string]Position{
		"":                            {1, 1},
		"name":                        {1, 7},
		"name:":                       {1, 1},
		"world":                       {2, 1}, // a mapping: its key
		"world.kind":                  {2, 15},
		"world.kind:":                 {2, 9},
		"world.config.turns":          {2, 1}, // not there: the nearest
		"agents[0]":                   {4, 5},
		"agents[0].command":           {5, 5},
		"agents[0].command[2]":        {5, 30},
		"agents[0].command[3]":        {5, 5},
		"agents[1].env.A":             {6, 25},
		"agents[2]":                   {7, 5},
		"agents[2].env.A":             {6, 25},
		"agents[3]":                   {3, 1},
		"agents[x]":                   {3, 1},
		"channels.den-{n}":            {9, 3},
		"channels.den-{n}:":           {9, 3},
		"channels.den-{n}.members[1]": {10, 18},
		"channels.a.b":                {11, 3},
		"channels.a.b.members":        {11, 9},
		"channels.a.members[0]":       {13, 15},
		"nothing.at.all":              {1, 1},
	} {
		if got := s.Source.At(path); got != want {
			t.Errorf("At(%q) = %v, want %v", path, got, want)
		}
	}
	p := s.Source.Problem("agents[0].command[2]", "no such file", "beside the scenario")
	want := "s.yaml:5:30: no such file\n      command: [python3, \"ü\", a.py]\n                              ^\n  hint: beside the scenario"
	if p.String() != want || p.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", p, want)
	}
}

func TestSourceOverride(t *testing.T) {
	s, _ := Decode("s.yaml", "/", []byte(head))
	s.Source.Override("world.kind", "--set world.kind=v")
	s.Source.Override("agents[0]", "--set agents.a.x=y")
	for path, want := range map[string]string{
		"world.kind":         "--set world.kind=v: m",
		"world.kind:":        "--set world.kind=v: m",
		"world.kinds":        "s.yaml:2:1: m",
		"world":              "s.yaml:2:1: m",
		"agents[0].command":  "--set agents.a.x=y: m",
		"agents[01].command": "s.yaml:3:1: m",
	} {
		if got, _, _ := strings.Cut(s.Source.Problem(path, "m", "").String(), "\n"); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	var none *Source
	if got := none.Problem("a", "m", "").String(); got != "scenario: m" {
		t.Errorf("got %s", got)
	}
	if at := none.At("a"); at != (Position{}) {
		t.Errorf("got %v", at)
	}
}

func TestProblems(t *testing.T) {
	tab := Problem{File: "f", Position: Position{3, 4}, Message: "m", Text: "\ta\tb"}
	if got, want := tab.String(), "f:3:4: m\n  \ta\tb\n  \t \t^"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := Problem{File: "f", Position: Position{1, 301}, Message: "m", Text: strings.Repeat("é", 200) + "x"}
	if got := long.String(); len(got) > 3*widest || !strings.Contains(got, "…é") {
		t.Errorf("got %q", got)
	}
	ps := Problems{{File: "g", Message: "0"}, {File: "f", Position: Position{2, 1}, Message: "1"}, {File: "f", Position: Position{1, 9}, Message: "2"}, {File: "f", Message: "3"}, {File: "f", Message: "4"}}
	ps.Sort()
	if got, want := ps.Error(), "f: 3\nf: 4\nf:1:9: 2\nf:2:1: 1\ng: 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var as Problems
	if err := ps.Err(); !errors.As(err, &as) || len(as) != 5 {
		t.Errorf("got %v", err)
	}
	if err := as[:0].Err(); err != nil {
		t.Errorf("no problem gives %v", err)
	}
}
