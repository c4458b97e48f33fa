package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	goruntime "runtime"
	"time"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/scenarios"
)

// A lab is where things are measured: a temporary directory with the children
// that all shapes share.
type lab struct {
	dir    string
	child  *program
	python *program // nil where there is none
	kill   <-chan struct{}
	runs   int
	pasts  map[size]*past // that were recorded to be read
}

func newLab(ctx context.Context, child string, kill <-chan struct{}) (l *lab, err error) {
	dir, err := os.MkdirTemp("", "troupe-bench-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory to measure in: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // processes of other users pass it
		return nil, errors.Join(err, os.Remove(dir))
	}
	l = &lab{dir: dir, kill: kill}
	if l.child, err = newChild(ctx, child, dir); err != nil {
		l.close(&err)
		return nil, err
	}
	if l.python, err = python(ctx, dir); err != nil {
		l.python = nil // said in the rows that need it
	}
	return l, nil
}

// close removes all that was made.
func (l *lab) close(err *error) { *err = errors.Join(*err, os.RemoveAll(l.dir)) }

// A game is a scenario made for one measurement.
type game struct {
	agents, ticks int
	program       *program
	messages      int    // that each agent sends the next one in a tick
	shared        bool   // the agents live in 4 processes, and the program hosts any number
	process       bool   // the world is one
	flood         string // of the first agent; empty for none
	durability    string // of the record; empty for the default
	state         string // how bots come back, a process each; empty for children that are told of messages
	notes         bool   // they keep files
	isolation     string // empty for none
	limit         string // of the first agent; empty for none
	every         int    // ticks between checkpoints; 0 for the default
	realtime      bool   // the clock; agents are bots that are never asked, and have files in common
}

// processes is how many a shared game has.
const processes = 4

// topic makes an observe line with a message about 200 bytes long.
const topic = "the harvest, and who brings it in"

// maxTicks is more than any game has: the clock ends it.
const maxTicks = 1_000_000

// agentID names the agents, from 0 on, as a pattern does that counts from 1.
func agentID(i int) string { return fmt.Sprintf("a-%d", i+1) }

// args are what the i-th child is told: how many messages, to whom, and
// whether it floods.
func (g *game) args(i int) []string {
	flood := quiet
	if i == 0 && g.flood != "" && g.flood != floodMessages {
		flood = g.flood
	}
	return []string{fmt.Sprint(g.sends(i)), agentID((i + 1) % g.agents), flood}
}

// sends is how many messages the i-th agent sends in a tick.
func (g *game) sends(i int) int {
	if i == 0 && g.flood == floodMessages {
		return manyMessages
	}
	if i == 0 && limits[g.limit].messages > 0 {
		return limits[g.limit].messages
	}
	return g.messages
}

// scenario is the game as people would write it, in JSON, which is YAML.
func (g *game) scenario() any {
	if g.realtime {
		return map[string]any{
			"name": "bench", "clock": map[string]any{"mode": plan.Realtime}, "shared": map[string]any{},
			"agents":     []any{map[string]any{"id": "a-{n}", "replicas": g.agents, "command": bot("echo").words}},
			"durability": cmp.Or(g.durability, plan.DurableProcess), "isolation": "none", // the bench uses the agents' sockets
		}
	}
	var entries []any
	entry := map[string]any{"kind": "stdio", "command": g.program.words}
	if len(g.program.env) > 0 {
		entry["env"] = g.program.env
	}
	switch {
	case g.state != "":
		entry["id"], entry["replicas"] = "a-{n}", g.agents
		entry["state"], entry["config"] = g.state, map[string]any{"notes": g.notes}
	case g.shared:
		entry["id"], entry["replicas"] = "a-{n}", g.agents
		entry["per_process"] = (g.agents + processes - 1) / processes
	default:
		rows := make([]any, g.agents)
		for i := range rows {
			a := g.args(i)
			rows[i] = map[string]any{"id": agentID(i), "sends": a[0], "peer": a[1], "flood": a[2]}
		}
		entry["id"], entry["for_each"] = "{id}", rows
		entry["command"] = append(append([]string{}, g.program.words...), "{sends}", "{peer}", "{flood}")
		if g.limit != "" {
			first := maps.Clone(entry)
			first["for_each"], first["limits"], first["state"] = rows[:1], limits[g.limit].yaml, "none"
			entry["for_each"] = rows[1:]
			entries = append(entries, first)
		}
	}
	entries = append(entries, entry)
	config := map[string]any{"rounds": maxTicks, "topic": topic}
	w := map[string]any{"kind": "conversation", "config": config}
	if g.process {
		w = map[string]any{"command": []string{"troupe", "world", "conversation"}, "config": config}
	}
	checkpoint := map[string]any{}
	if g.every > 0 {
		checkpoint["every"] = g.every
	}
	return map[string]any{
		"name": "bench", "checkpoint": checkpoint, "world": w, "agents": entries,
		"durability": cmp.Or(g.durability, plan.DurableProcess), "isolation": cmp.Or(g.isolation, "none"),
		// Long enough that a busy machine misses none; armed all the same.
		"clock": map[string]any{"ticks": g.ticks, "deadline": "30s"},
	}
}

// write writes the game's scenario and names the file.
func (l *lab) write(g *game) (path string, err error) {
	text, err := json.Marshal(g.scenario())
	if err != nil {
		return "", fmt.Errorf("cannot write a scenario: %w", err)
	}
	path = filepath.Join(l.dir, "scenario.yaml")
	return path, os.WriteFile(path, text, 0o600)
}

// A trace is what a run looked like from outside.
type trace struct {
	data    string          // its data directory, which is there until forget
	ready   time.Duration   // from before the first process to after the last ready
	ticks   []time.Time     // when each was committed
	commits []time.Duration // how long that took, but for the last one's
	plan    *plan.Plan
	run     string

	starting time.Time
}

// Starting implements runtime.Watcher.
func (t *trace) Starting(o runtime.Opening) {
	t.run = o.Run
	goruntime.GC() // of what was measured before
	t.starting = time.Now()
}

// Ticked implements runtime.Watcher.
func (t *trace) Ticked(rec *record.Record, _ *record.Summary) {
	t.ticks = append(t.ticks, time.Now())
	if rec.Tick == 0 {
		e := rec.Annex.Elapsed
		t.ready = rec.Annex.Time.Sub(t.starting) - e.Ask - e.Step
		return
	}
	t.commits = append(t.commits, rec.Annex.Elapsed.Commit)
}

// Happened implements runtime.Watcher.
func (t *trace) Happened(record.Fact) {}

// rate is how many ticks a second were played, without the first tenth, in
// which buffers grow.
func (t *trace) rate() float64 {
	warm := len(t.ticks) / 10
	n := len(t.ticks) - 1
	if n <= warm {
		return 0
	}
	return float64(n-warm) / t.ticks[n].Sub(t.ticks[warm]).Seconds()
}

// expand makes the plan of a scenario, as troupe run does.
func expand(path string) (*plan.Plan, error) {
	s, problems := scenarios.Load(path)
	p, problems := plan.Expand(s, plan.Options{Found: problems})
	if len(problems) > 0 {
		return nil, fmt.Errorf("the scenario is not valid: %w", problems[0])
	}
	return p, nil
}

// play runs a scenario as troupe run does. Its data directory stays until
// forget.
func (l *lab) play(ctx context.Context, path string) (*trace, error) {
	return l.run(ctx, path, false)
}

// run is play; limits says that agents may be at theirs, and not answer.
func (l *lab) run(ctx context.Context, path string, limits bool) (*trace, error) {
	p, err := expand(path)
	if err != nil {
		return nil, err
	}
	l.runs++
	t := &trace{data: filepath.Join(l.dir, fmt.Sprintf("d%d", l.runs)), plan: p}
	res, err := runtime.Run(ctx, p, runtime.Options{Data: t.data, Scenario: path, Command: "bench", Kill: l.kill, Watch: t})
	switch {
	case err != nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case res.Status != observe.Finished:
		err = fmt.Errorf("the run was %s", res.Status)
	case !limits && (res.Summary.Timed > 0 || len(res.Summary.Outcomes) > 1):
		err = fmt.Errorf("not all agents answered all they were asked: %v", res.Summary.Outcomes)
	}
	if err != nil {
		return nil, errors.Join(err, t.forget())
	}
	return t, nil
}

// forget removes the run's files.
func (t *trace) forget() error { return os.RemoveAll(t.data) }

// game plays a game and forgets it.
func (l *lab) game(ctx context.Context, g *game) (*trace, error) {
	path, err := l.write(g)
	if err != nil {
		return nil, err
	}
	t, err := l.run(ctx, path, g.limit != "")
	if err != nil {
		return nil, err
	}
	return t, t.forget()
}

// lines are the observes of one tick, as a run has them.
func (g *game) lines() [][]byte {
	all := make([][]byte, g.agents)
	for i := range all {
		o := agent.Observe{
			Agent: agentID(i), Tick: 1000, Deadline: 30 * time.Second, Attempt: 1,
			Observation: fmt.Appendf(nil, `{"round":1001,"rounds":%d,"topic":%q}`, maxTicks, topic),
		}
		from := (i + g.agents - 1) % g.agents
		for range g.sends(from) {
			o.Messages = append(o.Messages, agent.Message{From: agentID(from), Body: []byte(`"hello"`)})
		}
		all[i] = agent.AppendObserve(nil, &o)
	}
	return all
}

// shares are the lines of a shared game, by process.
func (g *game) shares() []share {
	lines, per := g.lines(), (g.agents+processes-1)/processes
	var all []share
	for from := 0; from < g.agents; from += per {
		s := share{lines: min(per, g.agents-from)}
		for i := from; i < from+s.lines; i++ {
			s.init = agent.AppendInit(s.init, agent.Init{Run: "bare", Agent: agentID(i)})
		}
		s.tick = bytes.Join(lines[from:from+s.lines], nil)
		all = append(all, s)
	}
	return all
}
