package export

import (
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A turn is one with what the annex has of it.
type turn struct {
	*record.Turn
	refused int // answers that were not accepted
	answers int // of models
	usage   agent.Usage
}

// turns holds all of a turn. How long a single answer took is on record for
// models alone, as their tools measure it; of the others `troupe events` and the
// metrics know only how many took how long.
var turns = newTable("a row for each agent that was asked in a tick, with what it saw, what it did and what a model took", eachTurn,
	text("agent", "its id", func(r *row[turn]) string { return r.of.Agent }),
	jsonText("observation", "what it was shown", func(r *row[turn]) []byte { return r.of.Observation }),
	jsonText("action", "its action, or what the policy put in its place", func(r *row[turn]) []byte { return r.of.Action }),
	may(text("failure", "the failure's type, where the outcome is one", func(r *row[turn]) string { return string(r.of.Failure) })),
	may(text("policy", "what dealt with the failure", func(r *row[turn]) string { return r.of.Policy })),
	boolean("done", "it ended itself", func(r *row[turn]) bool { return r.of.Done }),
	boolean("unsent", "its process never had the observation", func(r *row[turn]) bool { return r.of.Unsent }),
	integer("refused_answers", "answers of this tick that were not accepted", func(r *row[turn]) int { return r.of.refused }),
	may(text("model", "the model that answered", func(r *row[turn]) string { return r.of.usage.Model })),
	may(text("session", "the session of its tool", func(r *row[turn]) string { return r.of.usage.Session })),
	model("model_turns", "turns of the model, as its tool counts them", func(u *agent.Usage) int { return u.Turns }),
	model("input_tokens", "tokens read, without those of the cache", func(u *agent.Usage) int { return u.Input }),
	model("output_tokens", "tokens of its answers", func(u *agent.Usage) int { return u.Output }),
	model("cache_read_tokens", "tokens read from the cache", func(u *agent.Usage) int { return u.CacheRead }),
	model("cache_write_tokens", "tokens written to the cache", func(u *agent.Usage) int { return u.CacheWrite }),
	where(byModel, number("usd", "what the model cost, US dollars", func(r *row[turn]) float64 { return r.of.usage.USD.Dollars() })),
	where(byModel, milliseconds("latency_ms", "how long the model's answers took, as its tool measured it", func(r *row[turn]) time.Duration { return r.of.usage.Took })),
)

func byModel(r *row[turn]) bool { return r.of.answers > 0 }

// model is a figure of a model, null for agents that are none.
func model(name, doc string, get func(*agent.Usage) int) column[row[turn]] {
	return where(byModel, integer(name, doc, func(r *row[turn]) int { return get(&r.of.usage) }))
}

// eachTurn joins turns, attempts and usages, all of which are by agent.
func eachTurn(t *tick, row func(turn) error) error {
	attempts, usages := t.record.Annex.Attempts, t.record.Annex.Usages
	for i := range t.record.Turns {
		x := turn{Turn: &t.record.Turns[i]}
		for ; len(attempts) > 0 && attempts[0].Agent <= x.Agent; attempts = attempts[1:] {
			if attempts[0].Agent == x.Agent {
				x.refused++
			}
		}
		for ; len(usages) > 0 && usages[0].Agent <= x.Agent; usages = usages[1:] {
			if u := &usages[0].Usage; usages[0].Agent == x.Agent {
				x.answers++
				x.usage.Add(u)
				x.usage.Model, x.usage.Session = u.Model, u.Session
				x.usage.Took += u.Took
			}
		}
		if err := row(x); err != nil {
			return err
		}
	}
	return nil
}

// used sums up what models took in a tick.
func used(r *record.Record) (sum agent.Usage) {
	for i := range r.Annex.Usages {
		sum.Add(&r.Annex.Usages[i].Usage)
	}
	return sum
}
