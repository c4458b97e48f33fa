package plan

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// Options are what a command line adds to a scenario.
type Options struct {
	Sets     []string                     // path=value, in the order given
	Seed     *uint64                      // instead of the scenario's
	LookPath func(string) (string, error) // nil for exec.LookPath
	// Troupe says what is wrong with the arguments of a command whose program
	// is troupe itself, as "what: what would be right"; nil takes any.
	Troupe func(args []string) error
	// Shared says of which paths every agent may read what is there, so that no
	// plan lists them; nil for none.
	Shared func(path string) bool
	// Survey says why the plan's isolation cannot be had; nil takes any.
	Survey func(*Plan) error
	// Run is where agents of kind recorded have their answers from that name no
	// run; empty where they must.
	Run string
	// Modelless says that no model is asked: the gateway needs no keys.
	Modelless bool
	// Found is what decoding the scenario found wrong. Expand adds to it, and
	// leaves out what would only follow from it.
	Found []scenarios.Problem
	// Beside is another directory beside which the scenario lay: what is not
	// beside it is looked for there. Empty for none.
	Beside string
}

// Defaults of a scenario.
const (
	defaultDeadline = 5 * time.Second
	defaultTimeout  = 60 * time.Second // of a world that is a process
	defaultIdle     = 30 * time.Second // of a hybrid agent
	defaultEvery    = 100              // ticks between checkpoints
	defaultKeep     = 2
)

// most agents of one plan; a typing error in replicas should not take all memory.
const mostAgents = 1_000_000

// Expand resolves a scenario. It reads the files that the scenario names and
// looks up programs, and does nothing else; the same scenario, options and
// files give the same plan. There is a plan where there is no problem; else all
// problems, those of Found included, by position.
//
// A scenario with problems may be given too, and a nil one, which has nothing
// to add to them.
func Expand(s *scenarios.Scenario, opts Options) (*Plan, []scenarios.Problem) {
	if s == nil && len(opts.Found) == 0 {
		return nil, []scenarios.Problem{{File: "scenario", Message: "there is no scenario"}}
	} else if s == nil {
		return nil, opts.Found
	}
	m := newMaker(s, opts)
	sets := m.applySets(opts.Sets)
	if opts.Seed != nil {
		m.s.Seed = *opts.Seed
	}
	m.fillRun()
	m.expandItems()
	m.makeVariants(sets)
	m.placeAgents()
	m.checkResidents()
	m.makeChannels()
	m.checkTexts()
	m.checkPatterns()
	m.makeShared()
	m.makeFaults()
	m.makeView(m.makeWorld())
	if opts.Survey != nil && !m.problems.any() {
		if err := opts.Survey(m.plan); err != nil {
			m.problemAt("isolation", err.Error(), "use isolation: auto for what can be had, or none")
		}
	}
	if problems := m.problems.list(); len(problems) > 0 {
		return nil, problems
	}
	return m.plan, nil
}

// A maker holds what the steps of Expand share.
type maker struct {
	s        *scenarios.Scenario // the scenario with what --set changed
	find     *finder
	plan     *Plan
	problems *problems
	items    []*item
	variants []*variant
	given    []scenarios.Problem // what decoding found
	run      string              // for recorded agents that name none

	modelless bool
	partial   bool                         // agents are missing that were not understood
	ids       []string                     // of all agents, sorted
	noops     []func(message, hint string) // tell those who rely on the world's noop that it has none
}

func newMaker(s *scenarios.Scenario, opts Options) *maker {
	if opts.LookPath == nil {
		opts.LookPath = exec.LookPath
	}
	m := &maker{
		problems: newProblems(),
		find:     newFinder("", opts),
		plan:     &Plan{Channels: []Channel{}}, // printed as a list though it be empty
		given:    opts.Found,
		run:      opts.Run, modelless: opts.Modelless,
		partial: len(opts.Found) > 0 && len(s.Agents) == 0,
	}
	m.problems.tell(opts.Found...)
	clone := *s
	clone.Agents = slices.Clone(s.Agents)
	if s.Source != nil {
		source := *s.Source
		clone.Source = &source
		m.find.dir = source.Dir
	}
	m.s = &clone
	return m
}

func (m *maker) problemAt(path, message, hint string) {
	m.problems.add(m.s.Source, strings.TrimPrefix(path, "."), message, hint)
}

// derived is problemAt for what may only follow from a mistake that decoding
// found in the same item: it is told where there is none.
func (m *maker) derived(path, message, hint string) {
	if !m.blamed(path) {
		m.problemAt(path, message, hint)
	}
}

// blamed says whether decoding found something wrong in the same item under
// agents, or the same key of the scenario, as path is in. Its messages begin
// with the path of what they are about.
func (m *maker) blamed(path string) bool {
	root, _, _ := strings.Cut(path, ".")
	for _, p := range m.given {
		if rest, ok := strings.CutPrefix(p.Message, root); ok && strings.ContainsAny(rest[:min(1, len(rest))], ".:[") {
			return true
		}
	}
	return false
}

// told says whether decoding found something wrong at that very path.
func (m *maker) told(path string) bool {
	return slices.ContainsFunc(m.given, func(p scenarios.Problem) bool {
		return strings.HasPrefix(p.Message, path+": ")
	})
}

// fillRun fills what is not about agents.
func (m *maker) fillRun() {
	p := m.plan
	p.Name = m.s.Name
	p.Seed = m.s.Seed
	p.Clock = Clock{Mode: or(m.s.Clock.Mode, Lockstep), Ticks: m.s.Clock.Ticks, Quiet: time.Duration(m.s.Clock.Quiet)}
	if l := m.s.Limits; l != nil {
		p.Limits.Resident, p.Limits.Memory, p.Limits.Wall, p.Limits.CPU = l.Resident, Size(l.Memory), time.Duration(l.Wall), time.Duration(l.CPU)
		if l.USD != nil {
			p.Limits.USD = agent.FromDollars(l.USD.Dollars)
		}
	}
	p.Checkpoint = Checkpoint{Every: defaultEvery, Keep: defaultKeep}
	if c := m.s.Checkpoint; c != nil {
		p.Checkpoint = Checkpoint{Every: or(c.Every, defaultEvery), Keep: or(c.Keep, defaultKeep)}
	}
	p.Isolation = or(m.s.Isolation, "auto")
	p.Durability = or(m.s.Durability, DurableProcess)
	if src := m.s.Source; src != nil && src.SHA256 != "" {
		name := filepath.Base(src.File)
		p.Sources = []File{{Source: filepath.Join(src.Dir, name), Path: name, SHA256: src.SHA256}}
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// problems gathers what is wrong, each thing once.
type problems struct {
	all  []scenarios.Problem
	seen map[scenarios.Problem]bool
	here map[string]int // by place: how many were reported
}

// mostHere is how many problems are told of one place: a mistake in a list of
// thousands of rows is told by its first ones.
const mostHere = 5

func newProblems() *problems {
	return &problems{seen: map[scenarios.Problem]bool{}, here: map[string]int{}}
}

func (p *problems) add(source *scenarios.Source, path, message, hint string) {
	problem := source.Problem(path, message, hint)
	if source != nil && problem.File == source.File && path != "" {
		problem.Message = strings.TrimSuffix(path, ":") + ": " + message
	}
	if p.seen[problem] {
		return
	}
	p.seen[problem] = true
	place := fmt.Sprintf("%s:%d:%d", problem.File, problem.Line, problem.Column)
	p.here[place]++
	switch {
	case p.here[place] == mostHere+1:
		problem.Message, problem.Hint = "more problems of this kind are not listed", ""
	case p.here[place] > mostHere:
		return
	}
	p.all = append(p.all, problem)
}

// tell adds problems that are whole already.
func (p *problems) tell(problems ...scenarios.Problem) {
	for _, problem := range problems {
		if !p.seen[problem] {
			p.seen[problem] = true
			p.all = append(p.all, problem)
		}
	}
}

func (p *problems) any() bool { return len(p.all) > 0 }

func (p *problems) list() []scenarios.Problem {
	scenarios.Problems(p.all).Sort()
	return p.all
}
