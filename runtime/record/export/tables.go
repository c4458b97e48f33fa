package export

import (
	"encoding/hex"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

// Tables are the tables of a run, by name.
var Tables = map[string]Table{
	"ticks": newTable("a row for each tick", func(t *tick, row func(*record.Record) error) error { return row(t.record) },
		instant("time", "when it was committed", func(r *row[*record.Record]) time.Time { return r.of.Annex.Time }),
		text("hash", "the run's hash after it, hex", func(r *row[*record.Record]) string { return hex.EncodeToString(r.hash[:]) }),
		integer("asked", "agents that were asked", func(r *row[*record.Record]) int { return len(r.of.Turns) }),
		integer("failed", "of these, whose outcome is a failure", func(r *row[*record.Record]) int { return failed(r.of) }),
		integer("timed", "outcomes that a clock decided", func(r *row[*record.Record]) int { return r.of.Annex.Timed }),
		integer("messages", "messages sent", func(r *row[*record.Record]) int { return len(r.of.Messages) }),
		milliseconds("ask_ms", "from the first observation to the last outcome", func(r *row[*record.Record]) time.Duration { return r.of.Annex.Elapsed.Ask }),
		milliseconds("step_ms", "in the world", func(r *row[*record.Record]) time.Duration { return r.of.Annex.Elapsed.Step }),
		milliseconds("commit_before_ms", "to the acknowledgement of the record before this one", func(r *row[*record.Record]) time.Duration { return r.of.Annex.Elapsed.Commit }),
		number("usd", "what models cost in it, US dollars", func(r *row[*record.Record]) float64 { return used(r.of).USD.Dollars() }),
		may(text("end", "in the last tick, why the run ended", func(r *row[*record.Record]) string { return string(r.of.End) })),
	),
	"outcomes": newTable("a row for each agent that was asked in a tick", all(turnsOf),
		text("agent", "its id", func(r *row[*record.Turn]) string { return r.of.Agent }),
		text("outcome", "action, or the failure's type", func(r *row[*record.Turn]) string { return outcome(r.of) }),
		may(text("policy", "what dealt with the failure", func(r *row[*record.Turn]) string { return r.of.Policy })),
		jsonText("action", "its action, or what the policy put in its place", func(r *row[*record.Turn]) []byte { return r.of.Action }),
		boolean("done", "it ended itself", func(r *row[*record.Turn]) bool { return r.of.Done }),
	),
	"messages": newTable("a row for each message of an accepted answer, delivered or not", eachMessage,
		integer("position", "among the sender's messages of the tick, from 0", func(r *row[message]) int { return r.of.position }),
		text("sender", "the agent who sent it", func(r *row[message]) string { return r.of.From }),
		may(text("recipient", "the agent it was for, unless it was for a channel", func(r *row[message]) string { return r.of.To })),
		may(text("channel", "the channel it was for", func(r *row[message]) string { return r.of.Channel })),
		jsonText("body", "what it says", func(r *row[message]) []byte { return r.of.Body }),
		integer("copies", "that were sent on: 1, unless a fault lost it (0) or doubled it", func(r *row[message]) int { return fateOf(r.of).Copies }),
		integer("delay", "ticks that a fault delayed it by", func(r *row[message]) int { return fateOf(r.of).Delay }),
		integer("cut", "recipients that a partition kept it from", func(r *row[message]) int { return fateOf(r.of).Cut }),
	),
	"scores": newTable("a row for each score that changed in a tick: its total so far", all(func(r *record.Record) []record.Score { return r.Scores }),
		text("agent", "whose it is", func(r *row[*record.Score]) string { return r.of.Agent }),
		numeral("score", "the total", func(r *row[*record.Score]) []byte { return r.of.Value }),
	),
	"columns": newTable("a row for each collected figure of a tick", all(func(r *record.Record) []record.Column { return r.Columns }),
		text("name", "the column's name", func(r *row[*record.Column]) string { return r.of.Name }),
		jsonText("value", "its value", func(r *row[*record.Column]) []byte { return r.of.Value }),
		numeral("number", "its value where that is a number", func(r *row[*record.Column]) []byte { return r.of.Value }),
	),
	"turns":      turns,
	"tool_calls": toolCalls,
	"failures":   failures,
	"facts": newTable("a row for each thing that happened to an agent's process", all(func(r *record.Record) []record.Fact { return r.Annex.Facts }),
		may(text("agent", "whose process it is; nothing for the supervisor's", func(r *row[*record.Fact]) string { return r.of.Agent })),
		text("fact", "started, crashed, late, failed and the like", func(r *row[*record.Fact]) string { return r.of.Kind }),
		integer("about", "the tick it is about", func(r *row[*record.Fact]) int { return r.of.Tick }),
		may(text("detail", "more of it", func(r *row[*record.Fact]) string { return r.of.Detail })),
	),
	"events": newTable("a row for each event that the world told", all(func(r *record.Record) [][]byte { return r.Events }),
		jsonText("event", "what it told", func(r *row[*[]byte]) []byte { return *r.of }),
	),
}

func turnsOf(r *record.Record) []record.Turn { return r.Turns }

func outcome(t *record.Turn) string {
	if t.Failure == "" {
		return record.Acted
	}
	return string(t.Failure)
}

func failed(r *record.Record) (n int) {
	for i := range r.Turns {
		if r.Turns[i].Failure != "" {
			n++
		}
	}
	return n
}

// A message is one with its place among its sender's.
type message struct {
	*record.Message
	position int
}

// fateOf is what faults made of it, the ordinary included.
func fateOf(m message) record.Fate {
	if m.Fate == nil {
		return record.Fate{Copies: 1}
	}
	return *m.Fate
}

func eachMessage(t *tick, row func(message) error) error {
	list, position := t.record.Messages, 0
	for i := range list {
		if i > 0 && list[i].From != list[i-1].From {
			position = 0
		}
		if err := row(message{&list[i], position}); err != nil {
			return err
		}
		position++
	}
	return nil
}
