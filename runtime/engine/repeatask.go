package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// answers has the agents answer again what they answered in the open tick.
func (r *repetition) answers(ctx context.Context) error {
	r.told = r.told[:0]
	r.lose()
	r.substitute()
	if err := r.history.tick(r.soc, r.rec); err != nil {
		return err
	}
	r.skip()
	// In waves of one tick and attempt, as they were asked the first time.
	slices.SortStableFunc(r.told, func(a, b told) int {
		if a.o.Tick != b.o.Tick {
			return a.o.Tick - b.o.Tick
		}
		return a.o.Attempt - b.o.Attempt
	})
	for from := 0; from < len(r.told); {
		to := from + 1
		for to < len(r.told) && r.told[to].o.Tick == r.told[from].o.Tick && r.told[to].o.Attempt == r.told[from].o.Attempt {
			to++
		}
		if err := r.wave(ctx, r.told[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// gather takes what a process answered, unless there is none to ask again.
func (r *repetition) gather(o *agent.Observe, want *agent.Act) error {
	m := &r.soc.members[r.soc.slots[o.Agent]]
	late := o.Tick < r.asked(o.Agent)
	switch {
	case !m.alive, late && r.replaced[o.Agent]: // its process is gone
	case r.res.Uncompared[o.Agent] != "":
	default:
		if m.kind.schema {
			o.Schema = r.ready.SchemaOf(o.Agent)
		}
		r.told = append(r.told, told{o, want})
	}
	return nil
}

// asked is the tick that an agent of the open tick was asked in.
func (r *repetition) asked(id string) int {
	i, found := slices.BinarySearchFunc(r.rec.Turns, id, func(t record.Turn, id string) int { return compare(t.Agent, id) })
	if found && r.rec.Turns[i].Taken != nil {
		return r.rec.Turns[i].Taken.Tick
	}
	return r.rec.Tick
}

// substitute brings in what took over in the open tick.
func (r *repetition) substitute() {
	r.replaced = nil
	for i := range r.rec.Turns {
		t := &r.rec.Turns[i]
		if t.Policy != policySubstitute {
			continue
		}
		m := &r.soc.members[r.soc.slots[t.Agent]]
		if heir := r.soc.successor(m, r.rec); heir != nil {
			if r.replaced == nil {
				r.replaced = map[string]bool{}
			}
			r.replaced[t.Agent] = true
			delete(r.res.Uncompared, t.Agent)
			if why := r.Plan.Unasked(heir.Kind, heir.Gateway); why != "" {
				r.res.Uncompared[t.Agent] = why
			}
			r.fleet.Substitute(t.Agent, *heir)
		}
	}
}

// unasked says why a member cannot be asked again; nothing if it can.
func (r *repetition) unasked(m *member) string {
	if s := m.substitute; s != nil {
		return r.Plan.Unasked(s.Kind, s.Gateway)
	}
	e := &r.Plan.Entries[m.entry]
	return r.Plan.Unasked(e.Kind, e.Gateway)
}

// lose finds agents of the open tick that cannot be held to the record:
// those that cannot be asked again, and those whose process began anew without being told its past.
func (r *repetition) lose() {
	for _, f := range r.rec.Annex.Facts {
		if f.Kind != "started" {
			continue
		}
		if r.starts[f.Agent]++; r.starts[f.Agent] == 2 {
			r.anew(f.Agent)
		}
	}
	for i := range r.rec.Turns {
		id := r.rec.Turns[i].Agent
		m := &r.soc.members[r.soc.slots[id]]
		switch why := r.lost[id]; {
		case r.unasked(m) != "":
			r.res.Uncompared[id] = r.unasked(m)
		case why != "" && m.substitute == nil:
			r.res.Uncompared[id] = why
		}
	}
}

// anew notes the agents of a process that was started a second time, where
// they have no state that survives it.
func (r *repetition) anew(process string) {
	for _, id := range r.soc.hosted(process) {
		slot, ok := r.soc.find(id)
		if !ok {
			continue
		}
		m := &r.soc.members[slot]
		if !m.kind.perTurn && r.Plan.Entries[m.entry].State == "none" {
			r.lost[id] = fmt.Sprintf("it was started anew by tick %d and its state is none", r.rec.Tick)
		}
	}
}

// skip counts the outcomes that were no answers.
func (r *repetition) skip() {
	for i := range r.rec.Turns {
		if t := &r.rec.Turns[i]; t.Failure != "" && (t.Unsent || !answered(t.Failure)) {
			r.res.Skipped[string(t.Failure)]++
		}
	}
}

// wave asks some agents at once and compares their answers.
func (r *repetition) wave(ctx context.Context, wave []told) error {
	if grow := len(r.soc.members) - len(r.at); grow > 0 {
		r.at = append(r.at, make([]int32, grow)...)
	}
	batch := make([]*agent.Observe, len(wave))
	for i := range wave {
		batch[i] = wave[i].o
		r.at[wave[i].o.Ref-1] = int32(i)
	}
	first := -1 // by its place, which is in the order of ids
	var differs *record.Difference
	r.fleet.Ask(batch)
	for left := len(batch); left > 0; {
		answers := r.fleet.Await(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(answers) == 0 {
			return fmt.Errorf("the fleet had no more answers at tick %d while %d were owed", r.rec.Tick, left)
		}
		for i := range answers {
			a := &answers[i]
			n := int(r.at[a.Ref-1])
			r.note(a)
			d, err := r.compare(wave[n], a)
			if err != nil {
				return err
			}
			if d != nil && (first < 0 || n < first) {
				first, differs = n, d
			}
		}
		left -= len(answers)
	}
	return r.differs(differs)
}

// compare holds an answer against the recorded one.
func (r *repetition) compare(w told, a *agent.Answer) (*record.Difference, error) {
	want := w.act
	switch {
	case a.Failure == agent.Spawn:
		return nil, fmt.Errorf("cannot start a process for agent %q again at tick %d: %s", a.Agent, w.o.Tick, a.Detail)
	case want == nil:
		return nil, nil
	case a.Failure != "":
		return record.NewDifference(w.o.Tick, a.Agent, "action", want.Action, fmt.Appendf(nil, "%s: %s", a.Failure, a.Detail)), nil
	}
	d := compareAsked(w.o, a.Staged)
	if d == nil {
		d = compareActs(w.o.Tick, want, &a.Act)
	}
	if d == nil {
		r.res.Answers++
	}
	return d, nil
}

// compareActs finds where two acts part: action, messages, done.
func compareActs(tick int, a, b *agent.Act) *record.Difference {
	orNull := func(raw []byte) []byte {
		if len(raw) == 0 {
			return null
		}
		return raw
	}
	if d := record.NewDifference(tick, a.Agent, "action", orNull(a.Action), orNull(b.Action)); d != nil {
		return d
	}
	for i := 0; i < len(a.Send) || i < len(b.Send); i++ {
		of := func(list []agent.Send) []byte {
			if i >= len(list) {
				return nil
			}
			return record.SendJSON(list[i].To, list[i].Channel, list[i].Body)
		}
		if x, y := of(a.Send), of(b.Send); !bytes.Equal(x, y) {
			return record.NewDifference(tick, a.Agent, "send", x, y)
		}
	}
	return record.NewDifference(tick, a.Agent, "done", fmt.Append(nil, a.Done), fmt.Append(nil, b.Done))
}
