package plan

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/scenarios"
)

const forked = `name: x
world: {kind: conversation, config: {rounds: 9}}
agents:
  - {id: "a-{n}", replicas: 2, command: [cat]}
  - {id: "s-{n}", replicas: 2, per_process: 2, command: [cat]}
  - {id: "r-{n}", max: 5, command: [cat]}
`

// fork is a plan with changes that takes over what p has played before a tick.
func fork(t *testing.T, p *Plan, tick int, sets ...string) *Plan {
	t.Helper()
	q := mustExpand(t, t.TempDir(), forked, sets...)
	q.Fork = &Fork{Run: "parent", Tick: tick, Plan: p}
	return q
}

func TestFork(t *testing.T) {
	ids := []string{"a-1", "a-2", "r-1", "r-4", "s-1", "s-2"}
	p := mustExpand(t, t.TempDir(), forked)
	if p.At(3) != p || len(p.Changed(ids)) > 0 {
		t.Error("a plan that is no fork is one")
	}
	q := fork(t, p, 5, "agents.a-1.state=none", "agents.a-2.deadline=9s", "agents.r-4.command=[sh]")
	s := fork(t, q, 8, "agents.a-1.state=none", "agents.r-4.command=[sh]", "agents.s-2.command=[sh]", "agents.a-2.kind=exec")
	for tick, want := range map[int]*Plan{0: p, 4: p, 5: q, 7: q, 8: s, 99: s} {
		if s.At(tick) != want {
			t.Errorf("tick %d is another plan's", tick)
		}
	}
	same(t, "changed at 5", fmt.Sprint(q.Changed(ids)), "map[a-1:true r-4:true]")
	// s-1 loses the one with whom it shared a process.
	same(t, "changed at 8", fmt.Sprint(s.Changed(ids)), "map[a-2:true s-1:true s-2:true]")
	same(t, "since", fmt.Sprint(s.Since(ids)), "map[a-1:5 a-2:8 r-4:5 s-1:8 s-2:8]")
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read Plan
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	same(t, "since, read back", fmt.Sprint(read.Since(ids)), "map[a-1:5 a-2:8 r-4:5 s-1:8 s-2:8]")
}

// What a model is told makes it another one, and what it may cost does not.
func TestForkOfModels(t *testing.T) {
	dir := folder(t, map[string]string{"key.txt": "sk-ant-canary\n"})
	made := func(sets ...string) *Plan {
		p, problems := expand(dir, modelHead+`agents:
  - {id: a, kind: claude, model: haiku, prompt: {text: Play.}, flags: [--tools, ""]}
`, Options{LookPath: toolThere, Sets: sets})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return p
	}
	text, err := json.Marshal(made())
	if err != nil {
		t.Fatal(err)
	}
	var parent Plan // as a fork has it
	if err := json.Unmarshal(text, &parent); err != nil {
		t.Fatal(err)
	}
	for set, want := range map[string]bool{
		"seed=0": false, "agents.a.limits.usd=3": false, "agents.a.allowed_tools=[]": false,
		"agents.a.model=opus": true, "agents.a.prompt={text: Win.}": true, "agents.a.flags=[]": true, "agents.a.max_turns=3": true,
	} {
		q := made(set)
		q.Fork = &Fork{Run: "parent", Tick: 5, Plan: &parent}
		if got := q.Changed([]string{"a"})["a"]; got != want {
			t.Errorf("%s: changed is %t", set, got)
		}
	}
}

// TestBeside has a plan made once more from copies, where the files themselves have
// changed or are gone, and others are there.
func TestBeside(t *testing.T) {
	dir := folder(t, map[string]string{"a.py": "new", "c.py": "new"})
	copies := folder(t, map[string]string{
		"s.yaml": `name: x
world: {kind: conversation, config: {rounds: 9}}
agents:
  - {id: "{id}", for_each: rows.csv, command: [cat, a.py], files: [lib/**], prompt: p.md}
`,
		"rows.csv": "id\nann\nbob\n", "a.py": "old", "lib/b.py": "old", "p.md": "hello",
	})
	s, found := scenarios.Load(filepath.Join(copies, "s.yaml"))
	p, problems := Expand(s, Options{
		Found: found, LookPath: installed, Beside: dir,
		Sets: []string{"agents.bob.command=[cat, c.py]", "agents.bob.files=[c.*]"},
	})
	if len(problems) > 0 {
		t.Fatal(scenarios.Problems(problems))
	}
	for i, want := range []string{"a.py lib/b.py p.md", "c.py p.md"} {
		var names []string
		for _, f := range p.Entries[i].Program.Files {
			names = append(names, f.Path)
			from := copies
			if f.Path == "c.py" {
				from = dir
			}
			same(t, "source of "+f.Path, f.Source, filepath.Join(from, f.Path))
		}
		same(t, "files", strings.Join(names, " "), want)
	}
	_, problems = Expand(s, Options{Found: found, LookPath: installed, Beside: dir, Sets: []string{"agents.bob.command=[cat, gone.py]"}})
	if len(problems) != 1 || problems[0].Hint != "it is looked for in "+dir {
		t.Errorf("got %v", problems)
	}
}
