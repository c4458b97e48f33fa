package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/world"
)

// step gives the outcomes to the world, again and again until it refuses none
// of them.
func (l *lockstep) step(ctx context.Context) (world.Stepped, error) {
	for !l.aborted {
		stepped, refused, err := l.try(ctx)
		if err != nil || !refused {
			return stepped, err
		}
		if err := l.gather(ctx); err != nil {
			return world.Stepped{}, err
		}
	}
	return world.Stepped{}, nil
}

// try steps the world once. Where it refuses an action that is dealt with, and
// the outcomes are others then, or will be.
func (l *loop) try(ctx context.Context) (stepped world.Stepped, refused bool, err error) {
	l.outcomes()
	start := time.Now()
	stepped, err = l.World.Step(ctx, l.soc.stepped, l.actions)
	l.elapsed.Step += time.Since(start)
	if err == nil {
		return stepped, false, nil
	}
	if refusal, ok := asRefusal(err); ok {
		return world.Stepped{}, true, l.refused(refusal)
	}
	if ctx.Err() != nil {
		return world.Stepped{}, false, errInterrupted
	}
	return world.Stepped{}, false, l.blame(err)
}

// outcomes fills in the actions: of each turn, and of who ended itself in the
// last tick, by id.
func (l *loop) outcomes() {
	l.actions = slices.Grow(l.actions[:0], len(l.turns)+len(l.soc.parting))
	parting := l.soc.parting
	for i := range l.turns {
		t := &l.turns[i]
		id := t.observe.Agent
		for len(parting) > 0 && l.soc.members[parting[0]].id < id {
			l.actions = append(l.actions, l.soc.farewell(parting[0]))
			parting = parting[1:]
		}
		l.actions = append(l.actions, outcome(id, t.action, t.failure))
	}
	for _, slot := range parting {
		l.actions = append(l.actions, l.soc.farewell(slot))
	}
}

// farewell is how the world learns that an agent ended itself.
func (s *society) farewell(slot int32) world.Action {
	return world.Action{Agent: s.members[slot].id, Failure: agent.Done}
}

// outcome is a turn's as the world gets it: what a policy gave is an action.
func outcome(id string, action []byte, f agent.Failure) world.Action {
	if len(action) == 0 {
		action = nil
	} else {
		f = ""
	}
	return world.Action{Agent: id, JSON: action, Failure: f}
}

// act is what was answered, where it acted.
func (t *turn) act() agent.Act {
	return agent.Act{Agent: t.observe.Agent, Tick: t.observe.Tick, Action: t.action, Send: t.send, Done: t.done}
}

// refused deals with actions that the world refuses: the agent's own are
// invalid, a policy's become null.
func (l *loop) refused(r *world.Refusal) error {
	if len(r.Why) == 0 {
		return l.blame(fmt.Errorf("it refused the tick and named no agent"))
	}
	ids := make([]string, 0, len(r.Why))
	for id := range r.Why {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		t := l.turnOf(id)
		switch {
		case t == nil:
			return l.blame(fmt.Errorf("it refused an action of agent %q, which has none in this tick", id))
		case t.acted:
			l.fail(t, fault{failure: agent.InvalidAction, detail: r.Why[id], act: t.act()})
		case len(t.action) > 0:
			t.action = nil
		default:
			return l.blame(fmt.Errorf("it refused agent %q, whose action is null already: %s", id, r.Why[id]))
		}
	}
	return nil
}

func asRefusal(err error) (r *world.Refusal, ok bool) {
	ok = errors.As(err, &r)
	return r, ok
}
