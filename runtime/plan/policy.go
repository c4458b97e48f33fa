package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// A remedy says what may be done about one type of failure.
type remedy struct {
	failure  agent.Failure
	policies []string // the default first
	attempts int      // of retry: asks in all; of restart: crashes or missed deadlines in one tick before giving up
}

// remedies is the table of failures that this version meets.
var remedies = []remedy{
	{agent.Deadline, []string{"skip", "noop", "action", "substitute", "restart", "stop", "abort"}, 2},
	{agent.Crash, []string{"restart", "skip", "noop", "action", "substitute", "stop", "abort"}, 3},
	{agent.Spawn, []string{"stop", "skip", "noop", "action", "substitute", "wait", "abort"}, 0},
	{agent.InvalidAction, []string{"retry", "skip", "noop", "action", "substitute", "stop", "abort"}, 2},
	{agent.Oversize, []string{"retry", "skip", "noop", "action", "substitute", "stop", "abort"}, 2},
	{agent.Limit, []string{"skip", "noop", "action", "substitute", "stop", "abort"}, 0},
	{agent.Refused, []string{"skip", "retry", "noop", "action", "substitute", "stop", "abort"}, 2},
	{agent.Budget, []string{"stop", "skip", "noop", "action", "substitute", "abort"}, 0},
	{agent.RateLimited, []string{"wait", "skip", "noop", "action", "substitute", "stop", "abort"}, 0},
	{agent.Differs, []string{"continue", "substitute", "stop", "abort"}, 0},
}

// repeated says whether a policy of that name has attempts.
func repeated(name string) bool { return name == "retry" || name == "restart" }

// policies fills every failure's policy: an entry's, else the scenario's, else
// the default.
func (m *maker) policies(v *variant, kind agent.Kind) map[agent.Failure]Policy {
	out := make(map[agent.Failure]Policy, len(remedies))
	for _, r := range remedies {
		name := string(r.failure)
		policy := Policy{Name: r.policies[0]}
		if p, ok := v.entry.OnFailure[name]; ok {
			policy = m.policy(r, p, v, v.problem)
		} else if p, ok := m.s.OnFailure[name]; ok {
			policy = m.policy(r, p, v, m.problemAt)
		}
		switch {
		case policy.Attempts > 0 || !repeated(policy.Name):
		case policy.Name == "retry" && kind.Attempts > 0:
			policy.Attempts = kind.Attempts
		default:
			policy.Attempts = r.attempts
		}
		out[r.failure] = policy
	}
	return out
}

// policy checks one policy and resolves what it needs. Problems with the
// scenario's own are reported for each entry and told once.
func (m *maker) policy(r remedy, p scenarios.Policy, v *variant, wrong report) Policy {
	at := ".on_failure." + string(r.failure)
	out := Policy{Name: p.Name, Attempts: p.Attempts}
	if p.Name == "" {
		return out // decoding told why
	}
	if !slices.Contains(r.policies, p.Name) {
		allowed := slices.Sorted(slices.Values(r.policies))
		wrong(at, fmt.Sprintf("the policy %q does nothing about %s", p.Name, r.failure), "what can be done is "+strings.Join(allowed, ", "))
		return out
	}
	switch p.Name {
	case "action":
		raw, err := scenarios.JSON(p.Action)
		if err != nil {
			wrong(at, fmt.Sprintf("cannot write the action as JSON: %v", err), "")
		}
		out.Action = raw
	case "noop":
		m.noops = append(m.noops, func(message, hint string) { wrong(at, message, hint) })
	case "substitute":
		out.Substitute = m.substitute(at, string(r.failure), p.Substitute, v, wrong)
	}
	return out
}

func (m *maker) substitute(at, failure string, s *scenarios.Substitute, v *variant, wrong report) *Substitute {
	if s == nil {
		return nil // decoding told why
	}
	below := func(path, message, hint string) { wrong(at+".substitute"+path, message, hint) }
	kind, ok := m.kind(s.Kind, s.Command, below)
	if !ok {
		return nil
	}
	if kind.Recorded {
		below(".kind", "an agent of kind recorded answers for itself alone", "let a command stand in")
		return nil
	}
	if kind.Bus {
		below(".kind", fmt.Sprintf("a program of kind %s connects for its own agent and stands in for nobody", kind.Name), "let a command stand in")
		return nil
	}
	r := newResolver(m.find, below)
	r.globs(s.Files)
	r.checkEnv(s.Env)
	program := Program{Env: s.Env, Dir: v.dir + "." + failure}
	if len(s.Command) > 0 {
		program.Command = r.command(s.Command)
	}
	out := &Substitute{Kind: kind.Name}
	if t := m.tool(v, kind, below); t != nil {
		r.allows(t.command[0])
		t.options.MCP = m.servers(v, r)
		program.Command, out.Model, out.Credential, out.Gateway = t.command, t.options, t.credential, t.gateway
	}
	program.Files = r.files.list()
	program.Readable, program.Network = r.readable.list(), m.network(v, kind, program.Command)
	out.Program = program
	return out
}

// kind finds a kind, stdio where the scenario names none but gives a command.
func (m *maker) kind(name string, command []string, wrong report) (agent.Kind, bool) {
	if name == "" {
		if len(command) == 0 {
			wrong("", "neither kind nor command says how the agent is driven", "the kinds are "+strings.Join(agent.Kinds(), ", "))
			return agent.Kind{}, false
		}
		name = "stdio"
	}
	kind, err := agent.Lookup(name)
	if err != nil {
		message, hint, _ := strings.Cut(err.Error(), ": ")
		wrong(".kind", message, hint)
		return agent.Kind{}, false
	}
	if kind.NeedsCommand && len(command) == 0 {
		wrong("", fmt.Sprintf("kind %s needs a command", name), "add command: [python3, agent.py], or whatever starts the agent")
		return agent.Kind{}, false
	}
	return kind, true
}
