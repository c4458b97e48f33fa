package export

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A toolCall is one of an agent's.
type toolCall struct {
	*agent.ToolCall
	agent string
}

// toolCalls has its rows from what agents' tools said, which is beside the
// record. A turn whose process died was asked again: what it called until then
// is there too, since it was done.
var toolCalls = fromTranscripts(newTable("a row for each call of a tool by a model, by agent, those of turns that were asked again included", eachCall,
	text("agent", "its id", func(r *row[toolCall]) string { return r.of.agent }),
	integer("attempt", "for which answer of the tick, from 1", func(r *row[toolCall]) int { return r.of.Attempt }),
	may(text("call", "what the model calls it", func(r *row[toolCall]) string { return r.of.ID })),
	may(text("parent", "the call that it is part of, of an agent of the tool's own", func(r *row[toolCall]) string { return r.of.Parent })),
	text("name", "the tool", func(r *row[toolCall]) string { return r.of.Name }),
	jsonText("input", "what it was called with", func(r *row[toolCall]) []byte { return r.of.Input }),
	where(ended, text("result", "what it gave, as text", func(r *row[toolCall]) string { return r.of.Result })),
	where(ended, boolean("is_error", "it failed", func(r *row[toolCall]) bool { return r.of.Failed })),
	instant("time", "when it was called", func(r *row[toolCall]) time.Time { return r.of.Began }),
	where(ended, milliseconds("duration_ms", "from the call to its result, as both were told", func(r *row[toolCall]) time.Duration { return r.of.Took })),
))

// ended says whether the tool told how a call ended.
func ended(r *row[toolCall]) bool { return r.of.Answered }

func fromTranscripts(t Table) Table {
	t.transcripts = true
	return t
}

func eachCall(t *tick, row func(toolCall) error) error {
	if t.call == nil {
		return nil // a record's
	}
	return row(*t.call)
}

// Models are the agents whose transcripts have rows of the table, those of the
// records so far: each is to be added by AddTranscript. None for a table whose
// rows are all in records.
func (e *Exporter) Models() []string { return slices.Sorted(maps.Keys(e.models)) }

// meet notes the models of a record.
func (e *Exporter) meet(r *record.Record) {
	e.ticks = r.Tick + 1
	if !e.table.transcripts {
		return
	}
	for i := range r.Annex.Usages {
		e.models[r.Annex.Usages[i].Agent] = true
	}
}

// AddTranscript writes the rows of one agent's transcript, in lines of
// agent.TranscriptLine, as far as the records go that were added. It reads all.
func (e *Exporter) AddTranscript(id string, r io.Reader) error {
	err := agent.ToolCalls(r, func(c *agent.ToolCall) error {
		if c.Tick >= e.ticks {
			return nil
		}
		at := &tick{run: e.run, record: &record.Record{Tick: c.Tick}, call: &toolCall{c, id}}
		return e.table.rows(at, e.rows.write)
	})
	if err != nil {
		return fmt.Errorf("cannot export the transcript of agent %s: %w", id, err)
	}
	return nil
}
