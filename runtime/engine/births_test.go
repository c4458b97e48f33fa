package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

func TestBirthsAndDeaths(t *testing.T) {
	p := planOf(4, nil, "a", "b", "c")
	p.Entries = append(p.Entries, later("rabbit-{n}", 2))
	tr := newTrial(t, p)
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		switch tick {
		case 0: // b ends itself in this tick; the world cannot know
			return world.Stepped{
				Observations: sees(1, "rabbit-2", "a", "b", "rabbit-1"),
				Add:          []world.Agent{{ID: "rabbit-2"}, {ID: "rabbit-1", Config: []byte(`{"x":1}`)}},
				Remove:       []string{"c"},
			}, nil
		case 1: // a place that is left is free at once
			return world.Stepped{
				Observations: sees(2, "a", "rabbit-1", "rabbit-3"),
				Add:          []world.Agent{{ID: "rabbit-3"}},
				Remove:       []string{"b", "rabbit-2"},
			}, nil
		}
		return world.Stepped{Observations: again(tick, actions)}, nil
	}
	tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer {
		return agent.Answer{Act: agent.Act{Action: []byte("2"), Done: true}}
	}
	tr.run(t)
	same(t, "given to the world", tr.world.given, []string{
		"a={} b=2 c={}",
		"a={} b=done rabbit-1={} rabbit-2={}",
		"a={} rabbit-1={} rabbit-3={}",
		"a={} rabbit-1={} rabbit-3={}",
	})
	same(t, "retired", tr.fleet.retired, []string{"b: done", "c: removed by the world", "rabbit-2: removed by the world"})
	same(t, "added", strings.Join(tr.fleet.added, ", "),
		`rabbit-2 {} in rabbit-2, rabbit-1 {"x":1} in rabbit-1, rabbit-3 {} in rabbit-3`)
	rec := tr.log.at(t, 0)
	same(t, "b's turn", turnText(rec.Turns[1]), "b / 2 done")
	same(t, "added in the record", len(rec.Added), 2)
	same(t, "to remove who ended itself is no fault, and no news", tr.log.at(t, 1).Removed, []string{"rabbit-2"})
}

func TestTheWorldIsToldOnceOfWhoEndedItself(t *testing.T) {
	for name, c := range map[string]struct {
		step0 world.Stepped
		given []string
	}{
		"observed again": {world.Stepped{Observations: sees(1, "a", "b", "c")}, []string{"a={} b=null c={}", "a={} b=done c={}", "a={} c={}"}},
		"not observed":   {world.Stepped{Observations: sees(1, "c", "a")}, []string{"a={} b=null c={}", "a={} b=done c={}", "a={} c={}"}},
		"nobody asked":   {world.Stepped{}, []string{"a={} b=null c={}", "b=done", ""}},
		"removed":        {world.Stepped{Remove: []string{"b"}, Observations: sees(1, "a", "c")}, []string{"a={} b=null c={}", "a={} c={}", "a={} c={}"}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(3, nil, "a", "b", "c"))
			tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
				if tick == 0 {
					return c.step0, nil
				}
				return world.Stepped{Observations: again(tick, actions)}, nil
			}
			tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer { return agent.Answer{Act: agent.Act{Done: true}} }
			tr.run(t)
			same(t, "given", tr.world.given, c.given)
			same(t, "retired once", tr.fleet.retired, []string{"b: done"})
		})
	}
}

func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		ticks int
		step  world.Stepped
		end   record.End
	}{
		"the world's word":        {5, world.Stepped{Done: true, Observations: sees(1, "nobody")}, record.EndDone},
		"the last tick":           {1, world.Stepped{}, record.EndTicks},
		"nobody left":             {5, world.Stepped{Remove: []string{"a"}}, record.EndEmpty},
		"nobody left, and done":   {5, world.Stepped{Remove: []string{"a"}, Done: true}, record.EndDone},
		"nobody left, last tick":  {1, world.Stepped{Remove: []string{"a"}}, record.EndTicks},
		"without a limit of time": {0, world.Stepped{Done: true}, record.EndDone},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(c.ticks, nil, "a", "b"))
			tr.world.step = func(int, []world.Action) (world.Stepped, error) { return c.step, nil }
			tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer { return agent.Answer{Act: agent.Act{Done: true}} }
			res := tr.run(t)
			same(t, "end", res.End, c.end)
			same(t, "ticks", res.Ticks, 1)
			same(t, "end in the record", tr.log.at(t, 0).End, c.end)
		})
	}
}

func TestANewcomerKeepsTheRunAlive(t *testing.T) {
	p := planOf(2, nil, "a")
	p.Entries = append(p.Entries, later("rabbit-{n}", 1))
	tr := newTrial(t, p)
	tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
		if tick > 0 {
			return world.Stepped{}, nil
		}
		return world.Stepped{
			Remove: []string{"a"}, Add: []world.Agent{{ID: "rabbit-1"}}, Observations: sees(1, "rabbit-1"),
		}, nil
	}
	res := tr.run(t)
	same(t, "end", res.End, record.EndTicks)
	same(t, "given", tr.world.given, []string{"a={}", "rabbit-1={}"})
}

func TestWhatTheWorldMayNotSay(t *testing.T) {
	long := strings.Repeat("x", maxObservation)
	for name, c := range map[string]struct {
		step world.Stepped
		says string
	}{
		"observation of nobody":        {world.Stepped{Observations: sees(1, "x")}, `"x", which is no agent`},
		"observation of one removed":   {world.Stepped{Remove: []string{"a"}, Observations: sees(1, "a")}, `"a", which has ended`},
		"two observations":             {world.Stepped{Observations: sees(1, "a", "b", "a")}, `two observations to agent "a"`},
		"an empty observation":         {world.Stepped{Observations: []world.Observation{{Agent: "a"}}}, "empty"},
		"an observation for no line":   {world.Stepped{Observations: []world.Observation{{Agent: "a", JSON: []byte(long)}}}, "bytes"},
		"removing nobody":              {world.Stepped{Remove: []string{"x"}}, `removed "x"`},
		"removing twice":               {world.Stepped{Remove: []string{"a", "a"}}, "twice"},
		"adding who is there":          {world.Stepped{Add: []world.Agent{{ID: "a"}}}, `"a", which is or was one`},
		"adding twice":                 {world.Stepped{Add: []world.Agent{{ID: "rabbit-1"}, {ID: "rabbit-1"}}}, `"rabbit-1", which is or was one`},
		"adding who matches no entry":  {world.Stepped{Add: []world.Agent{{ID: "x"}}}, "agent x: it matches no entry"},
		"adding who has no id":         {world.Stepped{Add: []world.Agent{{ID: "a fox"}}}, `cannot add agent "a fox": `},
		"adding too many":              {world.Stepped{Add: []world.Agent{{ID: "rabbit-1"}, {ID: "rabbit-2"}}}, "max"},
		"a score of nobody":            {world.Stepped{Scores: []world.Score{{Agent: "x", Value: []byte("1")}}}, `"x"`},
		"two scores":                   {world.Stepped{Scores: []world.Score{{Agent: "b", Value: []byte("1")}, {Agent: "a", Value: []byte("1")}, {Agent: "b", Value: []byte("2")}}}, `two scores to agent "b"`},
		"a score that is none":         {world.Stepped{Scores: []world.Score{{Agent: "b"}}}, `empty score to agent "b"`},
		"two columns":                  {world.Stepped{Columns: []world.Column{{Name: "c"}, {Name: "c"}}}, `column "c" twice`},
		"an unknown channel":           {world.Stepped{Channels: []world.Channel{{Name: "cave"}}}, "its channels are den"},
		"a channel twice":              {world.Stepped{Channels: []world.Channel{{Name: "den"}, {Name: "den"}}}, `channel "den" twice`},
		"a channel member that is not": {world.Stepped{Channels: []world.Channel{{Name: "den", Members: []string{"x"}}}}, `"x" into channel "den"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := withChannels(planOf(5, nil, "a", "b"), plan.Channel{Name: "den", Members: []string{"a"}})
			p.Entries = append(p.Entries, later("rabbit-{n}", 1))
			tr := newTrial(t, p)
			tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
				if tick == 0 {
					return world.Stepped{Observations: again(tick, actions)}, nil
				}
				return c.step, nil
			}
			_ = tr.fault(t, "played", "tick 1", c.says)
			same(t, "committed", tr.fleet.committed, []int{0})
			same(t, "effects", fmt.Sprint(tr.fleet.retired, tr.fleet.added), "[] []")
		})
	}
}

func TestAnIDIsUsedOnce(t *testing.T) {
	for name, end := range map[string]script{
		"removed": nil,
		"done":    func(*agent.Observe) agent.Answer { return agent.Answer{Act: agent.Act{Done: true}} },
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(5, nil, "a")
			p.Entries = append(p.Entries, later("rabbit-{n}", 1))
			tr := newTrial(t, p)
			tr.fleet.scripts["rabbit-1"] = end
			tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
				switch {
				case tick == 1 && end == nil:
					return world.Stepped{Observations: sees(2, "a"), Remove: []string{"rabbit-1"}}, nil
				case tick == 1:
					return world.Stepped{Observations: sees(2, "a")}, nil
				}
				return world.Stepped{Observations: sees(tick+1, "a", "rabbit-1"), Add: []world.Agent{{ID: "rabbit-1"}}}, nil
			}
			_ = tr.fault(t, "tick 2", `"rabbit-1"`, "once")
		})
	}
}
