package export

import (
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A failure is an answer that was not accepted, or a turn that ended with none.
type failure struct {
	agent   string
	final   bool
	attempt int // 0 where it is final
	failure agent.Failure
	policy  string
	detail  string
	action  []byte
}

var failures = newTable("a row for each answer that was not accepted, and one for each turn whose outcome is a failure", eachFailure,
	text("agent", "its id", func(r *row[failure]) string { return r.of.agent }),
	may(text("failure", "its type", func(r *row[failure]) string { return string(r.of.failure) })),
	boolean("final", "it is the turn's outcome; else an answer after which the agent was asked again, or the last one that led to such an outcome", func(r *row[failure]) bool { return r.of.final }),
	where(func(r *row[failure]) bool { return !r.of.final }, integer("attempt", "which answer it was, from 1", func(r *row[failure]) int { return r.of.attempt })),
	may(text("policy", "what dealt with it, where it is final", func(r *row[failure]) string { return r.of.policy })),
	may(text("detail", "what was wrong", func(r *row[failure]) string { return r.of.detail })),
	jsonText("action", "what was answered; where it is final, what the policy put in its place", func(r *row[failure]) []byte { return r.of.action }),
)

// eachFailure gives the answers first, by agent, then the outcomes.
func eachFailure(t *tick, row func(failure) error) error {
	for i := range t.record.Annex.Attempts {
		a := &t.record.Annex.Attempts[i]
		err := row(failure{agent: a.Agent, attempt: a.Attempt, failure: a.Failure, detail: a.Error, action: a.Act.Action})
		if err != nil {
			return err
		}
	}
	details := failedFacts(t.record)
	for i := range t.record.Turns {
		x := &t.record.Turns[i]
		if x.Failure == "" {
			continue
		}
		detail := strings.TrimPrefix(details[x.Agent], string(x.Failure)+": ")
		err := row(failure{agent: x.Agent, final: true, failure: x.Failure, policy: x.Policy, detail: detail, action: x.Action})
		if err != nil {
			return err
		}
	}
	return nil
}

// failedFacts are the details of the failures that are outcomes, by agent.
func failedFacts(r *record.Record) map[string]string {
	details := map[string]string{}
	for _, f := range r.Annex.Facts {
		if f.Tick == r.Tick && (f.Kind == "failed" || f.Kind == "crashed") {
			details[f.Agent] = f.Detail
		}
	}
	return details
}
