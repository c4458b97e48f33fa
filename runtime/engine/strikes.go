package engine

import (
	"errors"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A ledger remembers which faults of processes have fired, beyond the death of
// this process: each fires once, whatever is played again.
type ledger interface {
	// Fired says whether one has.
	Fired(f record.Firing) bool
	// Fire notes that some do now, and returns once that is on disk.
	Fire(list []record.Firing) error
}

// hits are the faults of processes: what each does to one.
var hits = map[string]func(x *plan.Fault) agent.Strike{
	plan.FaultKill:       func(*plan.Fault) agent.Strike { return agent.Strike{Kill: true} },
	plan.FaultPause:      func(x *plan.Fault) agent.Strike { return agent.Strike{Pause: x.Length()} },
	plan.FaultSupervisor: func(*plan.Fault) agent.Strike { return agent.Strike{Kill: true} },
}

// Strikes says whether a plan has faults of processes, for which a Config needs
// Ledger and Die.
func Strikes(p *plan.Plan) bool {
	for i := range p.Faults {
		if hits[p.Faults[i].Kind] != nil {
			return true
		}
	}
	return false
}

// checkFaults says what of the plan's faults the engine cannot do.
func (l *lockstep) checkFaults() error {
	for i := range l.Plan.Faults {
		if k := l.Plan.Faults[i].Kind; hits[k] == nil && mishaps[k] == nil && k != plan.FaultPartition {
			return fmt.Errorf("faults[%d]: unknown kind %q", i, k)
		}
	}
	if Strikes(l.Plan) && (l.Ledger == nil || l.Die == nil) {
		return errors.New("faults of processes need a ledger, and a way to die")
	}
	l.targets = make([]target, len(l.Plan.Faults))
	return nil
}

// A target is the members that a fault's pattern covers.
type target struct {
	slots  []int32
	looked int // at so many members
}

func (t *target) update(s *society, pattern string) {
	for ; t.looked < len(s.members); t.looked++ {
		if plan.GroupOf([][]string{{pattern}}, s.members[t.looked].id) == 0 {
			t.slots = append(t.slots, int32(t.looked))
		}
	}
}

// strike does what faults do to processes in the open tick. Who is asked in it
// is hit once its process has the observation.
func (l *lockstep) strike() error {
	var firing []record.Firing
	for i := range l.Plan.Faults {
		f := &l.Plan.Faults[i]
		if hits[f.Kind] == nil || !f.In(l.soc.tick) {
			continue
		}
		for _, id := range l.struck(i) {
			x := record.Firing{Fault: i, Tick: l.soc.tick, Agent: id}
			if l.Ledger.Fired(x) { // the tick is played again
				l.struckBy(x, ", before the run was resumed")
				continue
			}
			firing = append(firing, x)
		}
	}
	if len(firing) == 0 {
		return nil
	}
	if err := l.Ledger.Fire(firing); err != nil {
		return fmt.Errorf("cannot put faults in at tick %d: %w", l.soc.tick, err)
	}
	for _, x := range firing {
		l.struckBy(x, "")
		l.hit(x)
	}
	return nil
}

// struck are those that a fault hits in the open tick: ids of agents, or an
// empty one for the supervisor.
func (l *lockstep) struck(fault int) (ids []string) {
	f := &l.Plan.Faults[fault]
	if f.Kind == plan.FaultSupervisor {
		if drawn(l.Plan, fault, l.soc.tick, "", 0) {
			ids = append(ids, "")
		}
		return ids
	}
	t := &l.targets[fault]
	t.update(l.soc, f.Agents)
	for _, slot := range t.slots {
		m := &l.soc.members[slot]
		if m.alive && drawn(l.Plan, fault, l.soc.tick, m.id, 0) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// struckBy notes a fault that has hit.
func (l *lockstep) struckBy(x record.Firing, when string) {
	f := &l.Plan.Faults[x.Fault]
	text := f.Kind
	if f.Kind == plan.FaultPause {
		text += " for " + f.Length().String()
	}
	if f.Kind == plan.FaultSupervisor {
		text = "kill"
	}
	l.facts = append(l.facts, record.Fact{
		Agent: x.Agent, Kind: "fault", Tick: x.Tick, Detail: fmt.Sprintf("%s (faults[%d])%s", text, x.Fault, when),
	})
}

// hit hands a fault to whom it is for.
func (l *lockstep) hit(x record.Firing) {
	f := &l.Plan.Faults[x.Fault]
	if f.Kind == plan.FaultSupervisor {
		l.dying = true
		return
	}
	s := hits[f.Kind](f)
	t := l.turnOf(x.Agent)
	if t == nil || !t.open {
		l.fleet.Strike(x.Agent, s)
		return
	}
	if t.observe.Strike == nil {
		t.observe.Strike = &agent.Strike{}
	}
	t.observe.Strike.Add(s)
}
