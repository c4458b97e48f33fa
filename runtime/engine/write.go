package engine

import (
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// blame is an error of the world's.
func (l *loop) blame(err error) error {
	return fmt.Errorf("world %s failed at tick %d: %w", worldName(l.Plan), l.soc.tick, err)
}

// write makes the tick's record of its turns and of what the world answered.
// Nothing is changed yet: what the world may not say is found here.
func (l *loop) write(st *world.Stepped) error {
	rec := &l.rec
	*rec = record.Record{
		Tick: l.soc.tick, Turns: rec.Turns[:0], Messages: rec.Messages[:0],
		Results: rec.Results[:0], Scores: rec.Scores[:0], Columns: rec.Columns[:0],
	}
	l.writeTurns()
	l.writeMessages()
	l.writeCalls()
	slices.SortStableFunc(l.attempts, func(a, b record.Attempt) int { return compare(a.Agent, b.Agent) })
	slices.SortFunc(l.answers, func(a, b record.Latency) int { return compare(a.Kind, b.Kind) })
	rec.Annex.Attempts, rec.Annex.Elapsed = l.attempts, l.elapsed
	rec.Annex.Answers = l.answers
	l.added = addition{}
	if l.aborted {
		rec.End = record.EndAborted
		l.pick.collect(rec, nil)
		return nil
	}
	if err := l.writeWorld(st); err != nil {
		return l.blame(err)
	}
	l.writeShared()
	rec.End = l.end(st)
	if rec.End != record.NotEnded {
		return nil
	}
	return l.seat(st.Observations)
}

func (l *loop) writeTurns() {
	rec := &l.rec
	rec.Turns = slices.Grow(rec.Turns, len(l.turns))
	for i := range l.turns {
		t := &l.turns[i]
		out := record.Turn{
			Agent: t.observe.Agent, Observation: t.observe.Observation,
			Failure: t.failure, Policy: t.policy, Action: t.action,
			Done: t.acted && t.done, Unsent: !t.sent, Early: t.early(),
		}
		if l.taken != nil {
			taken := *l.taken
			taken.Redelivered = t.observe.Marked()
			out.Taken = &taken
		}
		if t.replaced {
			out.Policy = policySubstitute
		}
		if t.timed {
			rec.Annex.Timed++
		}
		if out.Done {
			l.gone[out.Agent] = endedItself
		}
		rec.Turns = append(rec.Turns, out)
	}
}

// writeMessages writes what the accepted acts send, and what their senders are
// told of it. Who ends in this tick is told nothing.
func (l *loop) writeMessages() {
	rec, net := &l.rec, l.soc.newNet()
	for i := range l.turns {
		t := &l.turns[i]
		if !t.acted {
			continue
		}
		position := 0
		for j := range t.staged {
			if x := &t.staged[j]; x.Op == agent.OpSend {
				l.writeMessage(net, t, position, x.Position, x.Send)
				position++
			}
		}
		for at, send := range t.send {
			l.writeMessage(net, t, position+at, 0, send)
		}
	}
	rec.Partitions = net.partitions()
}

// writeMessage writes one message, and what its sender is told. A request above
// 0 is the position of what asked for it before the act.
func (l *loop) writeMessage(net *net, t *turn, position, request int, send agent.Send) {
	rec, id := &l.rec, t.observe.Agent
	if len(send.Body) == 0 {
		send.Body = null
	}
	rec.Messages = append(rec.Messages, record.Message{From: id, To: send.To, Channel: send.Channel, Body: send.Body})
	why := l.soc.refuse(t.slot, id, send.To, send.Channel, send.Body)
	if why == "" && l.gone[send.To] == endedItself && send.To != "" {
		why = whyEnded
	}
	rec.Messages[len(rec.Messages)-1].Refused = why != ""
	if why == "" {
		net.carry(&rec.Messages[len(rec.Messages)-1], t.slot, position)
	} else if !t.done {
		if request > 0 {
			position = request
		} else {
			position -= t.early()
		}
		rec.Results = append(rec.Results, record.Result{Agent: id, JSON: sendResult(rec.Tick, request > 0, position, send, why)})
	}
}

// end says whether the tick is the last one.
func (l *loop) end(st *world.Stepped) record.End {
	ended := 0
	for id := range l.gone {
		if l.soc.members[l.soc.slots[id]].alive {
			ended++
		}
	}
	switch {
	case st.Done:
		return record.EndDone
	case l.Plan.Clock.Ticks > 0 && l.soc.tick+1 >= l.Plan.Clock.Ticks:
		return record.EndTicks
	case l.soc.living-ended+len(l.added.agents) == 0:
		return record.EndEmpty
	}
	return record.NotEnded
}

// An addition is the agents that the world adds in the open tick.
type addition struct {
	agents    []plan.Agent
	processes []plan.Process
	slots     map[string]int32
}
