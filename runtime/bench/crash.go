package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CrashOptions choose what is killed, and how often.
type CrashOptions struct {
	Only      []string // of the table crashes; empty for all, unless there are Scenarios
	Scenarios []string // files, which take any course but that must end by themselves
	Kills     int      // of each; 0 for the default
	// Seed draws the moments and the victims. What is on at a moment is up to the
	// machine: two times the same seed are alike, not the same.
	Seed uint64
	// Progress, if given, is told how many kills there were so far.
	Progress func(scenario string, kills, of int)
}

// DefaultKills is how often each scenario is killed where nothing is said.
const DefaultKills = 50

// Crash is the crash test: it plays each scenario once in peace, and then again
// and again while the supervisor, agents, or both are killed at any moment, and
// resumes it after each time the supervisor was, until as many were killed as
// was asked for. An error says that a scenario could not be played at all; what
// does not hold of it is in the report. A context that ends stops it; no process
// and no file of it is left then.
func Crash(ctx context.Context, o CrashOptions) (rep *CrashReport, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "troupe-crash-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory to crash in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files, err := o.files(dir)
	if err != nil {
		return nil, err
	}
	rep = &CrashReport{Seed: o.Seed, Scenarios: []Crashed{}}
	for i, path := range files {
		c := &crasher{
			dir: dir, path: path, kills: cmp.Or(o.Kills, DefaultKills),
			rand:     rand.New(rand.NewPCG(o.Seed, uint64(i))),
			progress: o.Progress,
		}
		if err := c.all(ctx); err != nil {
			return nil, fmt.Errorf("cannot crash %s: %w", c.name(), err)
		}
		rep.Scenarios = append(rep.Scenarios, c.got)
	}
	return rep, nil
}

// Check says what is wrong with the options.
func (o *CrashOptions) Check() error {
	for _, name := range o.Only {
		if _, ok := crashes[name]; !ok {
			return fmt.Errorf("unknown scenario %q: they are %s", name, strings.Join(CrashScenarios(), ", "))
		}
	}
	if o.Kills < 0 {
		return fmt.Errorf("%d kills are none", o.Kills)
	}
	return nil
}

// files writes what is chosen of the table, and names all that is to be played.
func (o *CrashOptions) files(dir string) ([]string, error) {
	names := o.Only
	if len(names) == 0 && len(o.Scenarios) == 0 {
		names = CrashScenarios()
	}
	var paths []string
	for _, name := range names {
		path := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(path, []byte(crashes[name]), 0o600); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return append(paths, o.Scenarios...), nil
}

// A crasher crashes one scenario.
type crasher struct {
	dir      string
	path     string
	kills    int // in all
	rand     *rand.Rand
	progress func(scenario string, kills, of int)

	calm    outcome
	names   []string      // of the files that a run in peace leaves
	longest time.Duration // until a kill
	got     Crashed
}

func (c *crasher) name() string { return strings.TrimSuffix(filepath.Base(c.path), ".yaml") }

// all plays until there were enough kills.
func (c *crasher) all(ctx context.Context) error {
	begun := time.Now()
	c.got = Crashed{Scenario: c.name(), Left: []string{}, Differs: []string{}}
	defer func() { c.got.Seconds = time.Since(begun).Seconds() }()
	if err := c.inPeace(ctx); err != nil {
		return err
	}
	c.got.Hash, c.got.Ticks = c.calm.Hash, c.calm.Ticks
	for c.got.Kills.all() < c.kills || c.got.Runs == 0 {
		before := c.got.Kills
		if err := c.once(ctx); err != nil {
			return err
		}
		c.got.Runs++
		if c.got.Kills == before {
			c.longest = max(c.longest/2, time.Millisecond) // the machine was busier then
		}
	}
	return nil
}

// inPeace plays the scenario and kills nobody.
func (c *crasher) inPeace(ctx context.Context) error {
	r := &crashRun{crasher: c, data: filepath.Join(c.dir, "calm")}
	begun := time.Now()
	got, over, err := r.turn(ctx, func(*victim) error { return nil })
	if err == nil && !over {
		err = errors.New("its supervisor was killed, and not by this test")
	}
	if err != nil {
		return err
	}
	if got.Timed > 0 {
		return fmt.Errorf("%d of its outcomes were decided by a clock, so that two runs of it may differ", got.Timed)
	}
	c.calm, c.longest = got, time.Since(begun)
	if c.names, err = namesIn(r.data); err != nil {
		return err
	}
	return os.RemoveAll(r.data)
}

// once plays the scenario to its end, whatever happens to it.
func (c *crasher) once(ctx context.Context) error {
	r := &crashRun{crasher: c, data: filepath.Join(c.dir, "data")}
	for {
		got, over, err := r.turn(ctx, r.disturb)
		if err != nil {
			return err
		}
		if over {
			if err := r.judge(ctx, got); err != nil {
				return err
			}
			return os.RemoveAll(r.data)
		}
		if err := r.remember(ctx); err != nil {
			return err
		}
	}
}

// crashes are scenarios in which anything that is lost or doubled shows: agents
// that remember, alone and together, with messages and channels; agents that come
// and go; a world that is a process.
var crashes = map[string]string{
	"alone": `name: alone
seed: 7
clock: {ticks: 60, deadline: 60s}
world: {kind: conversation, config: {rounds: 60, topic: all that was}}
channels: {square: {members: ["a-*"]}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "a-{n}", replicas: 5, command: [troupe, bot, historian], config: {peers: [nobody, a-1, a-2, a-3]}}
`,
	"together": `name: together
seed: 7
clock: {ticks: 60, deadline: 60s}
world: {command: [troupe, world, conversation], config: {rounds: 60, topic: all that was}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "a-{n}", replicas: 6, per_process: 3, command: [troupe, bot, historian], config: {peers: [nobody, a-1, a-5]}}
`,
	"files": `name: files
seed: 7
clock: {ticks: 24, deadline: 60s}
world: {kind: conversation, config: {rounds: 24, topic: all that was}}
channels: {square: {members: ["*"]}}
checkpoint: {every: 5}
limits: {resident: 5}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "remembers-{n}", replicas: 2, command: [troupe, bot, historian], state: snapshot, config: {peers: [notes-1]}}
  - {id: "both-{n}", replicas: 2, per_process: 2, command: [troupe, bot, historian], state: snapshot, config: {notes: true, peers: [nobody]}}
  - {id: "notes-{n}", replicas: 2, command: [troupe, bot, historian], state: none, lifecycle: {mode: ephemeral}, config: {notes: true, peers: [remembers-2]}}
  - {id: "turns-{n}", replicas: 2, kind: exec, command: [troupe, bot, historian], config: {notes: true, peers: [both-1]}}
`,
	"rabbits": `name: rabbits
seed: 1202
clock: {ticks: 7, deadline: 60s}
world: {kind: population, config: {newborn: "rabbit-{n}", age: 1}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "rabbit-{n}", replicas: 1, max: 1000, command: [troupe, bot, rabbit]}
`,
}

// CrashScenarios lists what CrashOptions.Only can choose.
func CrashScenarios() []string {
	var names []string
	for name := range crashes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
