package runtime

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/proxy"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// A fleet is the supervisor's fleet in the words of the plan and the record.
type fleet struct {
	*supervisor.Fleet
	plan    *plan.Plan
	run     string
	dir     workspace.Run
	secrets map[string]string     // values, by name
	gate    *gate                 // nil where no agent goes through the model gateway
	proxy   *proxy.Proxy          // to hosts; nil where no program may reach any
	sources map[string]*source    // of recorded agents, by run
	ports   *ports                // that agents serve
	seats   *seats                // on the bus; nil where nobody is asked there
	later   map[string]plan.Agent // that the world added: the plan finds its own
	bin     string                // where agents find troupe; empty where PATH has it
}

func newFleet(f *supervisor.Fleet, p *plan.Plan, run string, dir workspace.Run, secrets map[string]string) *fleet {
	return &fleet{Fleet: f, plan: p, run: run, dir: dir, secrets: secrets, later: map[string]plan.Agent{}}
}

// agent is one of the plan, or one that came later.
func (f *fleet) agent(id string) plan.Agent {
	if a, ok := f.plan.Agent(id); ok {
		return *a
	}
	return f.later[id]
}

// specs are the supervisor's orders for some processes of the plan.
func (f *fleet) specs(ps []plan.Process) []supervisor.Spec {
	specs := make([]supervisor.Spec, len(ps))
	for i, p := range ps {
		e := &f.plan.Entries[p.Entry]
		s := f.spec(e, e.Kind, e.State)
		s.ID, s.Env = p.ID, f.env(p.Env, e.Program.Dir)
		s.Command = f.command(p.Command, e.Program.Dir, p.ID)
		f.reaches(&s, &e.Program)
		s.Secrets = f.secretsOf(e.Secrets)
		s.Agents = make([]agent.Init, len(p.Agents))
		for j, id := range p.Agents {
			s.Agents[j] = f.init(id)
		}
		f.driven(&s, e.Model, e.Credential, e.Program.Dir)
		f.gate.admit(&s, e.Gateway, e.Limits.USD)
		f.outward(&s, &e.Program)
		f.seated(&s)
		if e.Serves && len(s.Command) > 0 {
			s.Listens = f.ports.of(f.run, p.ID)
		}
		s.Template, s.View = f.template(e), e.Shared
		if src := f.sources[e.Run]; src != nil {
			s.Recorded = src.answer
		}
		specs[i] = s
	}
	return specs
}

// spec is what the entry's policies mean to its processes.
func (f *fleet) spec(e *plan.Entry, kind, state string) supervisor.Spec {
	k, _ := agent.Lookup(kind) // the plan was made with it
	s := supervisor.Spec{
		Kind: k, Reobserve: state == "reobserve" || state == "snapshot", Snapshot: state == "snapshot",
		Parks: e.Lifecycle.Mode != plan.LongRunning, Idle: e.Lifecycle.Idle, Ephemeral: e.Lifecycle.Mode == plan.Ephemeral,
		Pin: e.Pin && k.Reads("pin")}
	if p := e.Policies[agent.Crash]; p.Name == "restart" {
		s.Restarts = p.Attempts
	}
	if p := e.Policies[agent.Deadline]; p.Name == "restart" {
		s.DeadlineAsks = p.Attempts
	}
	s.Faithful = faithful(e)
	s.WaitToSpawn = e.Policies[agent.Spawn].Name == "wait"
	s.Limits = processLimits(e)
	s.WaitForModel = e.Policies[agent.RateLimited].Name == "wait"
	return s
}

// faithful says whether an agent that answers its past otherwise fails of it.
func faithful(e *plan.Entry) bool {
	name := e.Policies[agent.Differs].Name
	return name != "" && name != "continue" // older plans have none
}

func (f *fleet) init(id string) agent.Init {
	return agent.Init{Run: f.run, Agent: id, Seed: agent.Seed(f.plan.Seed, id), Config: f.agent(id).Config}
}

// placed puts the run's copy of a file in place of its name in the plan.
func (f *fleet) placed(word, dir string) string {
	if rest, ok := strings.CutPrefix(word, "{program}/"); ok {
		return filepath.Join(f.dir.Program(dir), filepath.FromSlash(rest))
	}
	return word
}

// command is a process's with all files in place; process names the one whose
// texts it may name.
func (f *fleet) command(words []string, dir, process string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = f.placed(w, dir)
		if name, ok := strings.CutPrefix(w, "{agent}/"); ok {
			out[i] = f.dir.Text(process, name)
		}
	}
	return out
}

// troupe is this program by the path that agents find it at, whatever PATH their
// scenario gives them.
func (f *fleet) troupe() string {
	const name = "troupe"
	if f.bin != "" {
		return filepath.Join(f.bin, name)
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return name
}

// reaches says what processes of a program may read, and connect to.
func (f *fleet) reaches(s *supervisor.Spec, p *plan.Program) {
	s.Readable = f.readable(p)
	if n := p.Network; n != nil {
		s.Connects, s.Ports = n.Any, n.Ports
	} else {
		s.Connects = s.Kind.Tool != nil // older plans do not say
	}
}

// readable are the files that processes of a program may read beside those of
// all: what the plan lists, and the run's copies.
func (f *fleet) readable(p *plan.Program) []string {
	if len(p.Files) == 0 {
		return p.Readable
	}
	return append(slices.Clone(p.Readable), f.dir.Program(p.Dir))
}

func (f *fleet) env(env map[string]string, dir string) map[string]string {
	out := make(map[string]string, len(env))
	for k, v := range env {
		out[k] = f.placed(v, dir)
	}
	return out
}

// Add implements the engine's fleet.
func (f *fleet) Add(agents []plan.Agent, ps []plan.Process) {
	for _, a := range agents {
		f.later[a.ID] = a
	}
	f.Fleet.Add(f.specs(ps))
}

// Substitute implements the engine's fleet.
func (f *fleet) Substitute(id string, sub plan.Substitute) { f.Fleet.Substitute(f.substitute(id, sub)) }

// substitute is the process that answers in an agent's stead.
func (f *fleet) substitute(id string, sub plan.Substitute) supervisor.Spec {
	e := &f.plan.Entries[f.agent(id).Entry]
	k, _ := agent.Lookup(sub.Kind)
	s := f.spec(e, sub.Kind, k.States[0])
	s.ID = f.plan.SubstituteID(id)
	s.Command, s.Env = f.command(sub.Program.Command, sub.Program.Dir, s.ID), f.env(sub.Program.Env, sub.Program.Dir)
	f.reaches(&s, &sub.Program)
	s.Agents = []agent.Init{f.init(id)}
	// Nobody takes over from one that took over.
	s.Faithful = s.Faithful && e.Policies[agent.Differs].Substitute == nil
	f.driven(&s, sub.Model, sub.Credential, sub.Program.Dir)
	f.gate.admit(&s, sub.Gateway, e.Limits.USD)
	f.outward(&s, &sub.Program)
	return s
}

// Facts implements the engine's fleet.
func (f *fleet) Facts() []record.Fact {
	facts := f.Fleet.Facts()
	out := make([]record.Fact, len(facts))
	for i, x := range facts {
		out[i] = record.Fact(x)
	}
	return out
}

// Usages implements the engine's fleet.
func (f *fleet) Usages() []record.Usage {
	usages := f.Fleet.Usages()
	out := make([]record.Usage, len(usages))
	for i, x := range usages {
		out[i] = record.Usage(x)
	}
	return out
}

// programs are all programs of a plan that have files of their own.
func programs(p *plan.Plan) []*plan.Program {
	var all []*plan.Program
	if p.World.Program != nil {
		all = append(all, p.World.Program)
	}
	if p.Shared != nil {
		all = append(all, p.Shared.Template())
	}
	seen := map[string]bool{} // --set may leave several entries with one program
	add := func(prog *plan.Program) {
		if len(prog.Files) > 0 && !seen[prog.Dir] {
			seen[prog.Dir] = true
			all = append(all, prog)
		}
	}
	for i := range p.Entries {
		e := &p.Entries[i]
		add(&e.Program)
		for _, pol := range e.Policies {
			if pol.Substitute != nil {
				add(&pol.Substitute.Program)
			}
		}
	}
	return all
}
