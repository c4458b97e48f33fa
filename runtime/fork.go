package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// ForkOptions say what a new run takes over from another, and what it changes.
type ForkOptions struct {
	Data string
	Run  string // the parent
	At   int    // the first tick of the new run's own
	Sets []string
	// Troupe is plan.Options.Troupe.
	Troupe func(args []string) error
}

// A Forking is a run that is to begin with the ticks of another.
type Forking struct {
	opts   ForkOptions
	plan   *plan.Plan // with all but the hash of its fork
	sets   []string
	parent *record.Manifest
	dir    workspace.Run     // the parent's
	copies map[string]string // paths of the parent's copies, by SHA-256
}

// mutable is what a fork may change: what the hash chain does not begin with.
const mutable = "a fork may change its agents' kind, command, files, env, state, lifecycle, deadline, on_failure, limits and what models are told, and of the scenario clock, world.command, shared.paths, faults, collect, expect, limits, checkpoint and durability"

// PlanFork makes the plan of a fork: that of the parent, with --set acting on it
// as it was. What is wrong with a --set is scenarios.Problems. What the hash
// chain begins with (the seed, the world and its config, channels, agents and
// their configs) is what the ticks of the parent were played with: a plan that
// differs in it is refused, since the new run's record would say of these ticks
// what is not so.
func PlanFork(o ForkOptions) (_ *Forking, err error) {
	data, err := filepath.Abs(o.Data)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	m, err := replayed(data, o.Run)
	if err != nil {
		return nil, err
	}
	f := &Forking{opts: o, parent: m, dir: workspace.Run{Dir: filepath.Join(data, "runs", o.Run)}}
	if err := f.makePlan(); err != nil {
		return nil, err
	}
	if m.Plan.Clock.Mode == plan.Realtime || f.plan.Clock.Mode == plan.Realtime {
		return nil, fmt.Errorf("cannot fork run %s: a fork goes on between two ticks of a lockstep, and not under the realtime clock", o.Run)
	}
	if d := record.ComparePlans(&m.Plan, f.plan); d != nil && o.At > 0 {
		what := strings.TrimPrefix(d.Where(), "before the first tick, ")
		return nil, fmt.Errorf("cannot fork run %s: %s is what its ticks were played with (%s, now %s): %s", o.Run, what, d.ExcerptA(), d.ExcerptB(), mutable)
	}
	if o.At > 0 && !sameTemplate(m.Plan.Shared, f.plan.Shared) {
		return nil, fmt.Errorf("cannot fork run %s: the files that shared begins with are what its ticks were played with: %s", o.Run, mutable)
	}
	if last := f.plan.Clock.Ticks; last > 0 && last <= o.At {
		return nil, fmt.Errorf("cannot fork run %s at tick %d: its clock has %d ticks; --set clock.ticks=N gives it more", o.Run, o.At, last)
	}
	past := m.Plan
	for past.Fork != nil && o.At <= past.Fork.Tick {
		past = *past.Fork.Plan
	}
	f.plan.Fork = &plan.Fork{Run: o.Run, Tick: o.At, Plan: &past}
	f.rename()
	return f, nil
}

// sameTemplate says whether the shared trees of two plans begin alike. Who may do
// what in them may differ.
func sameTemplate(a, b *plan.Shared) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Files, b.Files, func(a, b plan.SharedFile) bool {
		return a.Path == b.Path && a.SHA256 == b.SHA256 && a.Exec == b.Exec
	})
}

// makePlan resolves the parent's scenario once more, with what is set now on top
// of what was set then, from the copies that the parent has.
func (f *Forking) makePlan() error {
	f.findCopies()
	scenario, sets := madeOf(f.parent)
	f.sets = slices.Concat(sets, f.opts.Sets)
	if len(f.opts.Sets) == 0 {
		p := f.parent.Plan
		p.Fork = nil
		f.plan = &p
		return nil
	}
	if scenario == "" {
		return fmt.Errorf("cannot change anything of run %s: it has no copy of its scenario", f.opts.Run)
	}
	path := filepath.Join(f.dir.Dir, filepath.FromSlash(scenario))
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot use the copies of run %s: %w", f.opts.Run, err)
	}
	copies, lay := filepath.Dir(path), filepath.Dir(f.parent.Plan.Sources[0].Source)
	seed := fmt.Sprintf("seed=%d", f.parent.Plan.Seed) // which --seed may have given
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f.parent.SHA256 {
		return fmt.Errorf("cannot use the copies of run %s: %s was changed", f.opts.Run, path)
	}
	s, problems := scenarios.Decode(f.parent.Scenario, copies, text)
	if s != nil {
		s.Source.SHA256 = f.parent.SHA256
	}
	p, problems := plan.Expand(s, plan.Options{
		Shared: workspace.InSystem,
		Sets:   slices.Concat(sets, []string{seed}, f.opts.Sets), Found: problems, Troupe: f.opts.Troupe,
		Run: f.opts.Run, Beside: lay,
	})
	if len(problems) > 0 {
		return scenarios.Problems(problems)
	}
	f.plan = p
	f.resolve(copies, lay)
	return nil
}

// madeOf says where a run's copy of its scenario is below its directory, and what
// --set changed; nothing where it came from no file.
func madeOf(m *record.Manifest) (scenario string, sets []string) {
	if len(m.Rerun) < 3 || len(m.Plan.Sources) == 0 {
		return "", nil
	}
	for i, word := range m.Rerun[:len(m.Rerun)-1] {
		if word == "--set" {
			sets = append(sets, m.Rerun[i+1])
		}
	}
	return m.Rerun[2], sets
}

// findCopies notes the files that the parent has, by what is in them.
func (f *Forking) findCopies() {
	f.copies = map[string]string{}
	for _, p := range allPrograms(&f.parent.Plan) {
		for _, file := range p.Files {
			f.copies[file.SHA256] = filepath.Join(f.dir.Program(p.Dir), filepath.FromSlash(file.Path))
		}
	}
	for _, t := range templates(&f.parent.Plan) {
		for _, file := range t.Files { // links and directories have no hash, and no source
			f.copies[file.SHA256] = filepath.Join(f.dir.Program(t.Dir), filepath.FromSlash(file.Path))
		}
	}
	for _, file := range scenarioFiles(&f.parent.Plan) {
		f.copies[file.SHA256] = filepath.Join(f.dir.Scenario(), filepath.FromSlash(file.Path))
	}
}

// locate is where a file is to be copied from: the parent's copy, if it has one,
// since the file itself may have changed. Of a run that is no fork it is source.
func (f *Forking) locate(sha256, source string) string {
	if f == nil {
		return source
	}
	if at, ok := f.copies[sha256]; ok {
		return at
	}
	return source
}

// resolve has the plan's files come from where they lay when they were copied.
func (f *Forking) resolve(copies, lay string) {
	kept := f.dir.Scenario() + string(filepath.Separator)
	fix := func(files []plan.File) {
		for i := range files {
			rel, err := filepath.Rel(copies, files[i].Source)
			if err == nil && strings.HasPrefix(files[i].Source, kept) {
				files[i].Source = filepath.Join(lay, rel)
			}
		}
	}
	for _, program := range programs(f.plan) {
		fix(program.Files)
	}
	for _, t := range templates(f.plan) {
		fix(t.Files)
	}
	fix(f.plan.Sources)
}

// rename gives programs directories of their own where one of the past, which may
// still stand in for an agent, has other files at that name.
func (f *Forking) rename() {
	taken := map[string]*plan.Program{}
	for _, p := range standIns(f.plan.Fork.Plan) {
		taken[p.Dir] = p
	}
	for _, p := range programs(f.plan) {
		for n := f.opts.At; taken[p.Dir] != nil && !sameFiles(taken[p.Dir].Files, p.Files); n++ {
			base, _, _ := strings.Cut(p.Dir, ".from-")
			p.Dir = fmt.Sprintf("%s.from-%d", base, n)
		}
	}
}

func sameFiles(a, b []plan.File) bool {
	return slices.EqualFunc(a, b, func(a, b plan.File) bool { return a.Path == b.Path && a.SHA256 == b.SHA256 && a.Exec == b.Exec })
}

// standIns are the programs of a plan, and of those that it goes back to, that may
// answer in an agent's place.
func standIns(p *plan.Plan) []*plan.Program {
	var all []*plan.Program
	for p != nil {
		for i := range p.Entries {
			for _, policy := range p.Entries[i].Policies {
				if policy.Substitute != nil && len(policy.Substitute.Program.Files) > 0 {
					all = append(all, &policy.Substitute.Program)
				}
			}
		}
		if p.Fork == nil {
			break
		}
		p = p.Fork.Plan
	}
	return all
}

// allPrograms are those of a plan and of its past that a run has copies of, each
// directory once.
func allPrograms(p *plan.Plan) []*plan.Program {
	all := programs(p)
	if p.Fork == nil {
		return all
	}
	for _, s := range standIns(p.Fork.Plan) {
		if !slices.ContainsFunc(all, func(x *plan.Program) bool { return x.Dir == s.Dir }) {
			all = append(all, s)
		}
	}
	return all
}

// Fork plays the new run, from its fork to its end. It is as Run; the ticks of
// the parent are copied, and the parent is needed no longer.
func Fork(ctx context.Context, f *Forking, o Options) (*Result, error) {
	o.Scenario, o.Sets = f.parent.Scenario, f.sets
	return execute(ctx, &run{plan: f.plan, opts: o, forking: f})
}

// hexHash is a hash as texts have it.
func hexHash(h [record.HashSize]byte) string { return hex.EncodeToString(h[:]) }
