package world

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// told is what one player is told.
type told struct {
	You, Role, Den, Phase, Step, Previous string
	Pack                                  []packmate
	Game, Day                             int
	Living                                []string
	Dead                                  []obituary
	Said                                  []utterance
	Votes                                 []vote
}

func toldBy(t *testing.T, o Observation) (p told) {
	t.Helper()
	if err := json.Unmarshal(o.JSON, &p); err != nil {
		t.Fatalf("%s: %v", o.JSON, err)
	}
	return p
}

// A handful is a village whose people all do the same.
type handful struct {
	*testing.T
	w     *werewolf
	asked []Observation
	last  Stepped
}

func newHandful(t *testing.T, config string, players, wolves int) *handful {
	t.Helper()
	w := mustNew(t, "werewolf", config).(*werewolf)
	return &handful{T: t, w: w, asked: mustStart(t, w, people(1, players, wolves)...).Observations}
}

func (h *handful) acts(want int, action string) (actions []Action) {
	h.Helper()
	if len(h.asked) != want {
		h.Fatalf("%d are asked before tick %d, want %d", len(h.asked), h.w.next, want)
	}
	for _, o := range h.asked {
		actions = append(actions, act(o.Agent, action))
	}
	return actions
}

// all has those who are asked, so many, act.
func (h *handful) all(want int, action string) {
	h.Helper()
	h.last = mustStep(h.T, h.w, h.w.next, h.acts(want, action)...)
	h.asked = h.last.Observations
}

// refused has them try what they may not.
func (h *handful) refused(want int, action string) {
	h.Helper()
	_, err := h.w.Step(h.Context(), h.w.next, h.acts(want, action))
	if refusal := wantRefusal(h.T, err); len(refusal.Why) != want {
		h.Errorf("%s is refused of %v, want of %d", action, refusal.Why, want)
	}
}

// happened says what the first event of the last tick is.
func (h *handful) happened(event string) {
	h.Helper()
	if len(h.last.Events) == 0 || string(h.last.Events[0]) != event {
		h.Errorf("events %s, want %s", h.last.Events, event)
	}
}

// someone is a living player of a role.
func (h *handful) someone(r role) (name, id string) {
	h.Helper()
	v := h.w.villages[0]
	for place, lives := range v.living {
		if member := v.who[place]; lives && v.roles[member] == r {
			return playerNames[place], h.w.ids[v.homes[member]]
		}
	}
	h.Fatalf("no %s lives", roleNames[r])
	return "", ""
}

func voting(name string) string { return fmt.Sprintf(`{"vote":%q}`, name) }

// By day all hear what is said, and anybody may be lynched.
func TestWerewolfByDay(t *testing.T) {
	h := newHandful(t, `{"den":"den-{n}"}`, 7, 2)
	for _, o := range h.asked {
		p := toldBy(t, o)
		if p.Phase != "day" || p.Step != "talk" || p.Day != 1 || len(p.Living) != 7 || !strings.HasPrefix(o.Agent, p.Role) {
			t.Errorf("%s observes %s", o.Agent, o.JSON)
		}
	}
	h.all(7, `{"say":"not me"}`)
	for _, o := range h.asked {
		if p := toldBy(t, o); p.Step != "vote" || len(p.Said) != 7 || p.Said[0].Text != "not me" {
			t.Errorf("after the talk %s observes %s", o.Agent, o.JSON)
		}
	}
	h.refused(7, voting("nobody"))
	name, id := h.someone(wolf)
	h.all(7, voting(name))
	h.happened(fmt.Sprintf(`{"event":"lynched","village":"1","game":1,"day":1,"player":%q,"agent":%q}`, name, id))
}

// By night wolves alone are asked, and villagers alone are killed.
func TestWerewolfByNight(t *testing.T) {
	h := newHandful(t, `{"den":"den-{n}"}`, 7, 2)
	h.all(7, `{}`)
	lynched, _ := h.someone(villager)
	h.all(7, voting(lynched))
	for _, o := range h.asked {
		p := toldBy(t, o)
		if p.Phase != "night" || p.Den != "den-1" || len(p.Pack) != 2 || len(p.Votes) != 7 || p.Role != "wolf" {
			t.Errorf("by night %s observes %s", o.Agent, o.JSON)
		}
	}
	h.all(2, `{"say":"a secret"}`)
	one, _ := h.someone(wolf)
	h.refused(2, voting(one))
	h.refused(2, voting(lynched))
	name, id := h.someone(villager)
	h.last = mustStep(t, h.w, 3, act(h.asked[0].Agent, voting(name)), fail(h.asked[1].Agent, agent.Deadline))
	h.asked = h.last.Observations
	h.happened(fmt.Sprintf(`{"event":"killed","village":"1","game":1,"day":1,"player":%q,"agent":%q}`, name, id))
	for _, o := range h.asked {
		if p := toldBy(t, o); p.Day != 2 || len(p.Dead) != 2 || p.Dead[1] != (obituary{Player: name, Day: 1, How: "killed"}) {
			t.Errorf("on the second day %s observes %s", o.Agent, o.JSON)
		}
		if strings.Contains(string(o.JSON), "a secret") {
			t.Errorf("%s is told what was said by night: %s", o.Agent, o.JSON)
		}
	}
	h.refused(5, `{"say":7}`)
}

// Where nobody votes nobody is lynched. The wolves kill all the same, and have won
// once they are as many as the villagers.
func TestWerewolfOfTheSilent(t *testing.T) {
	h := newHandful(t, `{"talk":0}`, 5, 1)
	h.all(5, `{}`)
	h.all(1, `{}`)
	h.all(4, `{}`)
	h.all(1, `{}`)
	h.all(3, `{}`)
	h.all(1, `{}`)
	if len(h.last.Events) != 2 || string(h.last.Events[1]) != `{"event":"won","village":"1","game":1,"day":3,"side":"wolves"}` || !h.last.Done {
		t.Errorf("done %v with events %s, want the wolf to have won", h.last.Done, h.last.Events)
	}
	if len(h.last.Scores) != 1 || h.last.Scores[0].Agent != "wolf-1-1" || string(h.last.Scores[0].Value) != "1" {
		t.Errorf("scores %v, want 1 for the wolf alone", h.last.Scores)
	}
}

// Who ends itself has left the game; a village plays no further one without it.
func TestWerewolfWithoutThoseWhoLeft(t *testing.T) {
	w := mustNew(t, "werewolf", `{"games":3}`).(*werewolf)
	asked := mustStart(t, w, people(2, 5, 1)...).Observations
	var actions []Action
	for _, o := range asked {
		if o.Agent == "wolf-1-1" {
			actions = append(actions, fail(o.Agent, agent.Done))
			continue
		}
		actions = append(actions, act(o.Agent, `{}`))
	}
	stepped := mustStep(t, w, 0, actions...)
	if len(stepped.Events) != 2 || !strings.HasPrefix(string(stepped.Events[0]), `{"event":"left"`) ||
		string(stepped.Events[1]) != `{"event":"won","village":"1","game":1,"day":1,"side":"villagers"}` {
		t.Errorf("events %s", stepped.Events)
	}
	for _, o := range stepped.Observations {
		if !strings.Contains(string(o.JSON), `"village":"2"`) {
			t.Errorf("%s goes on: %s", o.Agent, o.JSON)
		}
	}
	if stepped.Done || len(stepped.Observations) != 5 {
		t.Errorf("done %v with %d asked, want the other village to play on", stepped.Done, len(stepped.Observations))
	}
}

func TestWerewolfKnowsItsPeopleByTheirIDs(t *testing.T) {
	for _, test := range []struct {
		config string
		ids    []string
		want   string // what is wrong
	}{
		{`{}`, people(3, 5, 2), ""},
		{`{"wolves":"w*","villagers":"v*"}`, []string{"w1", "v1", "v2"}, ""},
		{`{"wolves":"*-{n}-w","villagers":"*-{n}-v"}`, []string{"a-x-w", "b-x-v", "c-x-v", "a-y-w", "b-y-v", "c-y-v"}, ""},
		{`{}`, append(people(1, 5, 1), "seer-1"), "agent seer-1 fits neither villager-{n}-* nor wolf-{n}-*"},
		{`{"wolves":"*","villagers":"v*"}`, []string{"v1"}, "agent v1 fits both"},
		{`{}`, people(1, 4, 2), "village 1 has 4 players with 2 wolves"},
		{`{}`, append(people(1, 5, 1), "villager-2-1"), "village 2 has 1 players with 0 wolves"},
		{`{}`, people(1, 60, 3), "wants 26 players at most"},
	} {
		_, err := mustNew(t, "werewolf", test.config).Start(t.Context(), Init{Seed: 1, Agents: agentsOf(test.ids...)})
		if test.want != "" {
			wantError(t, err, "cannot start the world: ", test.want)
		} else if err != nil {
			t.Errorf("%s: %v", test.config, err)
		}
	}
}
