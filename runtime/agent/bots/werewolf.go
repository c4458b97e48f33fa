package bots

import (
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A townsman plays the world werewolf, as a villager or as a wolf, by chance: by
// day it votes for any of the others, by night, as a wolf, for what its pack has
// agreed on in its den. There each proposes any villager, and all follow the first of
// the pack, by name.
type townsman struct {
	proposal proposal // its own, of this night
}

// A proposal is what wolves say in their den.
type proposal struct {
	Game int    `json:"game"`
	Day  int    `json:"day"`
	By   string `json:"by"`
	Kill string `json:"kill"`
}

// seen is what a townsman goes by in its observation.
type seen struct {
	You, Role, Den, Phase, Step string
	Pack                        []struct{ Player string }
	Game, Day                   int
	Living                      []string
}

type ballot struct {
	Vote string `json:"vote,omitempty"`
}

func newTownsman(s agent.Start) (agent.Player, error) {
	t := &townsman{}
	return t, s.Restore(&t.proposal)
}

// Snapshot is agent.Keeper's.
func (t *townsman) Snapshot() (any, error) { return t.proposal, nil }

func (t *townsman) Play(o agent.Observation) agent.Reply {
	var now seen
	if err := o.Unmarshal(&now); err != nil {
		return o.Fail(err)
	}
	others := now.others()
	if len(others) == 0 {
		return o.Act(ballot{})
	}
	any := others[o.Rand.IntN(len(others))]
	switch {
	case now.Phase == "night" && now.Step == "talk":
		t.proposal = proposal{now.Game, now.Day, now.You, any}
		reply := o.Act(ballot{})
		if now.Den != "" {
			reply = reply.Say(now.Den, t.proposal)
		}
		return reply
	case now.Step == "talk":
		return o.Act(ballot{})
	case now.Phase == "night":
		if kill := now.agreed(append(heardIn(now.Den, o.Messages), t.proposal)); kill != "" {
			return o.Act(ballot{kill})
		}
	}
	return o.Act(ballot{any})
}

// others are those whom one may vote for, but for oneself: by night no wolf.
func (s *seen) others() []string {
	return slices.DeleteFunc(slices.Clone(s.Living), func(name string) bool {
		return name == s.You || s.Phase == "night" && s.packs(name)
	})
}

func (s *seen) packs(name string) bool {
	return slices.ContainsFunc(s.Pack, func(mate struct{ Player string }) bool { return mate.Player == name })
}

// agreed is whom the pack kills tonight, if the den was heard of it.
func (s *seen) agreed(heard []proposal) string {
	others := s.others()
	var first proposal
	for _, p := range heard {
		tonight := p.Game == s.Game && p.Day == s.Day && s.packs(p.By) && slices.Contains(others, p.Kill)
		if tonight && (first.By == "" || p.By <= first.By) {
			first = p
		}
	}
	return first.Kill
}

// heardIn are the proposals of a den, in the order in which they came.
func heardIn(den string, messages []agent.Message) (all []proposal) {
	for _, m := range messages {
		var p proposal
		if den != "" && m.Channel == den && m.Unmarshal(&p) == nil { // whatever else is said is no proposal
			all = append(all, p)
		}
	}
	return all
}
