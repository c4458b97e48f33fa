package engine

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A fault is one answer that gave no acceptable action.
type fault struct {
	failure agent.Failure
	detail  string
	unsent  bool
	act     agent.Act // what was answered, if anything was
}

// substituted is the fact that is noted once a substitute has taken over.
const substituted = "substituted"

// policySubstitute is the policy that records name to say that a substitute
// took over in that tick.
const policySubstitute = "substitute"

// defaultAttempts is how often retry asks in all.
const defaultAttempts = 2

// A rule deals with a fault under a policy. It says whether the agent is asked
// again; otherwise the outcome is the fault's failure, with t.action in place
// of an action.
type rule func(l *loop, t *turn, f fault, p plan.Policy) (again bool)

// rules is the table of policies. Those under which the fleet does the work
// (restart, wait, continue) leave nothing but null once it has given up.
var rules = map[string]rule{
	"skip":           giveNull,
	"restart":        giveNull,
	"wait":           giveNull,
	"continue":       giveNull,
	"noop":           func(l *loop, t *turn, _ fault, _ plan.Policy) bool { t.action = l.noop; return false },
	"action":         func(_ *loop, t *turn, _ fault, p plan.Policy) bool { t.action = p.Action; return false },
	"retry":          retry,
	policySubstitute: substitute,
	"stop":           stop,
	"abort":          func(l *loop, _ *turn, _ fault, _ plan.Policy) bool { l.aborted = true; return false },
}

func giveNull(*loop, *turn, fault, plan.Policy) bool { return false }

// retry asks again who has answered or died. Nobody is there to be asked
// where the observe was not sent, or where the answer to it is still owed.
func retry(_ *loop, t *turn, f fault, p plan.Policy) bool {
	attempts := p.Attempts
	if attempts == 0 {
		attempts = defaultAttempts
	}
	return !f.unsent && f.failure != agent.Deadline && t.observe.Attempt < attempts
}

// substitute hands the agent over, once in its life.
func substitute(l *loop, t *turn, _ fault, p plan.Policy) bool {
	m := &l.soc.members[t.slot]
	if t.replaced || m.substitute != nil || p.Substitute == nil {
		return false
	}
	t.replaced = true
	l.fleet.Substitute(m.id, *p.Substitute)
	return true
}

func stop(l *loop, t *turn, f fault, _ plan.Policy) bool {
	if l.stopped == nil {
		l.stopped = &StopError{Tick: l.soc.tick, Agent: l.soc.members[t.slot].id, Failure: f.failure, Detail: f.detail}
	}
	return false
}

// fail deals with a fault of an agent's turn: the turn is settled, or the
// agent is put among those to be asked again.
func (l *loop) fail(t *turn, f fault) {
	m := &l.soc.members[t.slot]
	p := l.soc.policy(m, f.failure)
	t.acted, t.action, t.send, t.done = false, nil, nil, false
	t.sent = t.sent || !f.unsent
	replaced := t.replaced
	again := rules[p.Name](l, t, f, p)
	told := cut(f.detail, maxError)
	t.spoke = spoke(f.failure, &f.act)
	if again || t.spoke && !f.unsent {
		f.act.Agent, f.act.Tick = m.id, l.soc.tick
		l.attempts = append(l.attempts, record.Attempt{
			Agent: m.id, Attempt: t.observe.Attempt, Error: told, Failure: f.failure, Act: f.act, Redelivered: t.observe.Marked(),
		})
	}
	if !again {
		l.note(m.id, "failed", f.failure, told)
		t.failure, t.policy = f.failure, p.Name
		if p.Name == policySubstitute {
			t.policy = "skip" // it has had its substitute
		}
		return
	}
	next := *t.observe // the fleet holds the last one until the commit
	next.Attempt, next.Error, next.Strike = t.observe.Attempt+1, told, nil
	if t.replaced != replaced {
		if l.heed != nil {
			l.heed()
		}
		l.note(m.id, substituted, f.failure, told)
		next.Attempt, next.Error, t.sent = 1, "", false
		k := l.soc.kind(p.Substitute.Kind)
		t.kind = k
		l.soc.address(&next, m, k.perTurn)
		if k.schema {
			next.Schema = l.ready.SchemaOf(m.id)
		}
	}
	t.observe, t.open = &next, true
	l.outbox = append(l.outbox, &next)
}

// note adds a fact about a failure that the fleet has not told of itself: it
// reports every crash.
func (l *loop) note(id, kind string, failure agent.Failure, detail string) {
	if failure == agent.Crash && kind == "failed" {
		return
	}
	l.facts = append(l.facts, record.Fact{Agent: id, Kind: kind, Tick: l.soc.tick, Detail: string(failure) + ": " + detail})
}

// unanswered are the failures after which the process has not answered.
var unanswered = []agent.Failure{agent.Crash, agent.Spawn, agent.Limit, agent.Deadline, agent.Differs}

func answered(f agent.Failure) bool { return !slices.Contains(unanswered, f) }

// spoke says whether the process has answered an ask that failed. It has, too, where
// what it sent has passed a limit: its action is on record then.
func spoke(f agent.Failure, act *agent.Act) bool {
	return answered(f) || f == agent.Limit && len(act.Action) > 0
}

// checkPolicies says what in the plan's policies the engine cannot do.
func checkPolicies(p *plan.Plan, noop []byte) error {
	for i := range p.Entries {
		e := &p.Entries[i]
		for _, f := range failuresOf(e) {
			name := e.Policies[f].Name
			if _, ok := rules[name]; !ok {
				return fmt.Errorf("entry %q: unknown policy %q for %s: the policies are %s", e.ID, name, f, strings.Join(ruleNames(), ", "))
			}
			if name == "noop" && noop == nil {
				return fmt.Errorf("entry %q: the policy for %s is noop, but the world %s declares no action that does nothing; write {action: …} or skip", e.ID, f, worldName(p))
			}
		}
	}
	return nil
}

// failuresOf lists the failures that an entry has a policy for, in order, so
// that the same plan always gives the same error.
func failuresOf(e *plan.Entry) []agent.Failure {
	list := make([]agent.Failure, 0, len(e.Policies))
	for f := range e.Policies {
		list = append(list, f)
	}
	slices.Sort(list)
	return list
}

func ruleNames() []string {
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
