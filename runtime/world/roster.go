package world

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A roster is the agents of a game whose players are fixed at its start, by id
// as bytes.
type roster struct {
	ids   []string
	index map[string]int
	gone  []bool // ended; never asked again
	asked []bool // has an observation for the tick to come
	seen  []bool // scratch of take
}

func newRoster(agents []Agent) (*roster, error) {
	n := len(agents)
	r := &roster{
		ids: make([]string, n), index: make(map[string]int, n),
		gone: make([]bool, n), asked: make([]bool, n), seen: make([]bool, n),
	}
	for i, a := range agents {
		r.ids[i] = a.ID
	}
	slices.Sort(r.ids)
	for i, id := range r.ids {
		r.index[id] = i
	}
	if len(r.index) != n {
		return nil, fmt.Errorf("cannot start the world: an agent is named twice among %s", strings.Join(r.ids, ", "))
	}
	return r, nil
}

// take goes through a step's actions: read gets each action there is, and says
// why it refuses one; an agent that failed is passed over. Agents that are
// gone, by their own word or by missing among the actions, are marked so, but
// only if nothing is refused.
func (r *roster) take(actions []Action, read func(who int, action []byte) (why string)) error {
	clear(r.seen)
	var refusal Refusal
	var left []int
	for i := range actions {
		a := &actions[i]
		who, ok := r.index[a.Agent]
		if !ok || r.seen[who] {
			return fmt.Errorf("cannot step the world: an action of %q, which does not play or acted already", a.Agent)
		}
		r.seen[who] = true
		if a.Failure == agent.Done {
			left = append(left, who)
			continue
		}
		if !r.asked[who] {
			return fmt.Errorf("cannot step the world: an action of %q, which was not asked", a.Agent)
		}
		if a.JSON == nil {
			continue
		}
		if why := read(who, a.JSON); why != "" {
			if refusal.Why == nil {
				refusal.Why = make(map[string]string)
			}
			refusal.Why[a.Agent] = why
		}
	}
	if refusal.Why != nil {
		return &refusal
	}
	for _, who := range left {
		r.gone[who] = true
	}
	for who, asked := range r.asked {
		if asked && !r.seen[who] {
			r.gone[who] = true
		}
	}
	return nil
}

// inOrder holds the engine to stepping the ticks one after the other.
func inOrder(tick, next int) error {
	if tick != next {
		return fmt.Errorf("cannot step the world: tick %d where %d is next", tick, next)
	}
	return nil
}
