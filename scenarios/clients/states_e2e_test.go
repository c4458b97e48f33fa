//go:build e2e

package clients_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// drawers are agents and worlds that draw chance and remember what they drew.
var drawers = map[string]string{
	"agent.py": `
from troupe import Agent, serve
class Drawer(Agent):
    def __init__(self, init):
        super().__init__(init)
        self.sum = self.random.randrange(1000)
    def act(self, o):
        self.sum += self.random.randrange(1000)
        return self.sum
    def snapshot(self):
        return self.sum
    def restore(self, state):
        self.sum = state
serve(Drawer)
`,
	"agent.mjs": `
import { Agent, serve } from './troupe.mjs'
class Drawer extends Agent {
  constructor (init) { super(init); this.sum = this.random() }
  act () { this.sum += this.random(); return this.sum }
  snapshot () { return this.sum }
  restore (state) { this.sum = state }
}
serve(Drawer)
`,
	"world.py": `
from troupe import World, serve_world
class Drawer(World):
    def start(self):
        self.sum = 0
        return self.tell()
    def tell(self):
        self.sum += self.random.randrange(1000)
        return {a: self.sum for a in self.agents}
    def step(self, tick, actions):
        came = {"add": [{"id": f"b-{tick}", "config": {"born": tick}}], "remove": [f"b-{tick - 2}"] if tick > 1 else []}
        return {"observations": self.tell(), "columns": {"here": sorted(self.agents.items())}, **came}
    def snapshot(self):
        return self.sum
    def restore(self, state):
        self.sum = state
serve_world(Drawer)
`,
	"world.mjs": `
import { World, serveWorld } from './troupe.mjs'
class Drawer extends World {
  start () { this.sum = 0; return this.tell() }
  tell () { this.sum += this.random(); return Object.fromEntries([...this.agents.keys()].map(a => [a, this.sum])) }
  step (tick) {
    const here = [...this.agents.keys()].join()
    return { observations: this.tell(), columns: { here }, add: [{ id: 'b-' + tick, config: { born: tick } }], remove: tick > 1 ? ['b-' + (tick - 2)] : [] }
  }
  snapshot () { return this.sum }
  restore (state) { this.sum = state }
}
serveWorld(Drawer)
`,
}

// memoryless ones draw chance and nothing else.
var memoryless = map[string]string{
	"agent.py": `
from troupe import Agent, serve
class Drawer(Agent):
    def act(self, o):
        return self.random.random()
serve(Drawer)
`,
	"agent.mjs": `
import { Agent, serve } from './troupe.mjs'
class Drawer extends Agent { act () { return this.random() } }
serve(Drawer)
`,
}

// interpreters are by the end of a program's name.
var interpreters = map[string]string{".py": "python3", ".mjs": "node"}

// converse runs a program on some lines and gives its answers.
func converse(t *testing.T, dir, program string, lines ...string) ([]string, error) {
	t.Helper()
	cmd := exec.Command(interpreters[filepath.Ext(program)], program)
	var said, log bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &log
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, log.String())
	}
	return strings.Split(strings.TrimSpace(said.String()), "\n"), err
}

// beside puts programs beside the clients.
func beside(t *testing.T, programs map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, client := range []string{"troupe.py", "troupe.mjs"} {
		text, err := os.ReadFile(client)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, client), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestE2EStates has programs restored after each of their answers: they answer
// what they would have answered.
func TestE2EStates(t *testing.T) {
	for _, programs := range []map[string]string{drawers, memoryless} {
		dir := beside(t, programs)
		for program := range programs {
			t.Run(program, func(t *testing.T) { restores(t, dir, program) })
		}
	}
	t.Run("goods.py", func(t *testing.T) { restores(t, ".", "goods.py") })
	t.Run("starter", func(t *testing.T) { restores(t, "../starter", "agent.py") })
}

func restores(t *testing.T, dir, program string) {
	const ticks = 4
	init := `{"type":"init","protocol":1,"run":"r","seed":7,"agent":"a","agents":[{"id":"10"},{"id":"9"},{"id":"a"}],"config":{"endowment":10,"factor":2,"rounds":9,"forgiveness":0.5}`
	ask := func(tick int) string {
		return fmt.Sprintf(`{"type":"observe","agent":"a","tick":%d,"observation":{"last":{"opponent":"D"}},"messages":[],"results":[]}`, tick)
	}
	if strings.HasPrefix(program, "world") || program == "goods.py" {
		ask = func(tick int) string {
			return fmt.Sprintf(`{"type":"step","tick":%d,"actions":[{"agent":"10","action":{"give":%[1]d}},{"agent":"9","action":{"give":1}},{"agent":"a","action":{"give":2}}]}`, tick)
		}
	}
	var asks []string
	for tick := range ticks {
		asks = append(asks, ask(tick))
	}
	want, err := converse(t, dir, program, append([]string{init + "}"}, asks...)...)
	if err != nil || len(want) != ticks+1 {
		t.Fatalf("%d answers, %v", len(want), err)
	}
	for n := range ticks {
		first, err := converse(t, dir, program, append(append([]string{init + "}"}, asks[:n]...), `{"type":"snapshot","agent":"a"}`)...)
		if err != nil {
			t.Fatal(err)
		}
		var told struct {
			Type  string
			State json.RawMessage
		}
		if err := json.Unmarshal([]byte(first[len(first)-1]), &told); err != nil || told.Type != "state" {
			t.Fatalf("after %d it answers %s, %v", n, first[len(first)-1], err)
		}
		got, err := converse(t, dir, program, append([]string{fmt.Sprintf(`%s,"tick":%d,"state":%s}`, init, n, told.State)}, asks[n:]...)...)
		if err != nil || strings.Join(got[1:], "\n") != strings.Join(want[n+1:], "\n") {
			t.Errorf("restored after %d from %s, it answers %q, %v; want %q", n, told.State, got[1:], err, want[n+1:])
		}
		if strings.Contains(want[n], "stepped") && observations(t, got[0]) != observations(t, want[n]) {
			t.Errorf("restored after %d, it shows %s; want %s", n, got[0], want[n])
		}
	}
}

func observations(t *testing.T, line string) string {
	t.Helper()
	var said struct{ Observations any }
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(said.Observations)
}

// TestE2EForgotten are agents that remember and do not say so.
func TestE2EForgotten(t *testing.T) {
	dir := beside(t, map[string]string{
		"agent.py": `
from troupe import Agent, serve
class Grudge(Agent):
    def act(self, o):
        self.grudge = True
serve(Grudge)
`,
		"agent.mjs": `
import { Agent, serve } from './troupe.mjs'
class Grudge extends Agent { act () { this.grudge = true } }
serve(Grudge)
`,
	})
	for _, program := range []string{"agent.py", "agent.mjs"} {
		_, err := converse(t, dir, program, `{"type":"init","agent":"a","seed":1}`,
			`{"type":"observe","agent":"a","tick":0}`, `{"type":"snapshot","agent":"a"}`)
		if err == nil || !strings.Contains(err.Error(), "Grudge has grudge: write ") {
			t.Errorf("%s: got %v", program, err)
		}
	}
}
