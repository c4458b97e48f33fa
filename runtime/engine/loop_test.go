package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

func TestTheWorldIsStartedWithThePlan(t *testing.T) {
	p := planOf(1, nil, "a", "b")
	p.Agents[1].Config = []byte(`{"x":1}`)
	p.World.Config = []byte(`{"size":3}`)
	tr := newTrial(t, p)
	tr.run(t)
	same(t, "run and config", tr.world.inited.Run+string(tr.world.inited.Config), `r1{"size":3}`)
	same(t, "seed", tr.world.inited.Seed, agent.Seed(7, ""))
	same(t, "agents", fmt.Sprintf("%s", tr.world.inited.Agents), "[{a {}} {b {\"x\":1}}]")
}

func TestScoresAreTotalsAndRecordedWhenChanged(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a", "b"))
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		score := func(id string, v int) world.Score { return world.Score{Agent: id, Value: fmt.Append(nil, v)} }
		return world.Stepped{
			Observations: again(tick, actions),
			Scores:       []world.Score{score("b", 5), score("a", tick/2)},
		}, nil
	}
	res := tr.run(t)
	same(t, "final", fmt.Sprintf("%s", res.Scores), "[{a 1} {b 5}]")
	for tick, want := range []string{"[{a 0} {b 5}]", "[]", "[{a 1}]"} {
		same(t, "recorded", fmt.Sprintf("%s", tr.log.at(t, tick).Scores), want)
	}
}

func TestCommitComesBeforeEffects(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a", "b"))
	tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer { return agent.Answer{Act: agent.Act{Done: true}} }
	var seen []string
	tr.cfg.OnTick = func(rec *record.Record, hash [32]byte) {
		if len(tr.log.hashes) != rec.Tick+1 || hash != tr.log.hashes[rec.Tick] {
			t.Errorf("tick %d is shown with %d records in the log", rec.Tick, len(tr.log.hashes))
		}
		seen = append(seen, fmt.Sprint(rec.Tick, len(rec.Turns), len(tr.fleet.committed), len(tr.fleet.retired)))
	}
	tr.run(t)
	same(t, "seen", seen, []string{"0 2 1 0", "1 1 2 1", "2 1 3 1"})

	tr = newTrial(t, planOf(3, nil, "a"))
	tr.log.fail = errors.New("no space left")
	tr.cfg.OnTick = func(*record.Record, [32]byte) { t.Error("a tick that is not committed is shown") }
	err := tr.fault(t, "cannot commit tick 0", "no space left")
	if !errors.Is(err, tr.log.fail) {
		t.Errorf("%v does not wrap the log's error", err)
	}
	same(t, "committed", len(tr.fleet.committed), 0)
}

func TestFactsGoIntoTheAnnexAtTheBarrier(t *testing.T) {
	tr := newTrial(t, planOf(2, nil, "a"))
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		tr.fleet.facts = append(tr.fleet.facts, record.Fact{Agent: "a", Kind: "crashed", Tick: o.Tick})
		return acts("1")
	}
	tr.run(t)
	for tick := range 2 {
		same(t, "facts", tr.log.at(t, tick).Annex.Facts, []record.Fact{{Agent: "a", Kind: "crashed", Tick: tick}})
	}
}

// TestCancelledWhileWaiting needs no clock: the agent's answer never comes.
func TestCancelledWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tr := newTrial(t, planOf(9, nil, "a", "b"))
	tr.cfg.Fleet = &mute{scripted: tr.fleet, tick: 2, muted: cancel}
	res, err := Lockstep(ctx, tr.cfg)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "result", fmt.Sprintf("%v %d %q %v", res.Interrupted, res.Ticks, res.End, res.Hash == tr.log.hashes[1]), `true 2 "" true`)
	same(t, "records", len(tr.log.records), 2)
}

// A mute fleet answers nothing from a tick on.
type mute struct {
	*scripted
	tick  int
	muted func()
}

func (m *mute) Ask(batch []*agent.Observe) {
	if batch[0].Tick < m.tick {
		m.scripted.Ask(batch)
		return
	}
	m.muted()
}

func TestCancelledInTheWorld(t *testing.T) {
	for name, w := range map[string]func(cancel func()) *played{
		"in start": func(cancel func()) *played {
			return &played{ready: func(world.Init) world.Ready { cancel(); return world.Ready{Observations: sees(0, "a")} }}
		},
		"in step": func(cancel func()) *played {
			return &played{step: func(int, []world.Action) (world.Stepped, error) {
				cancel()
				return world.Stepped{}, context.Canceled
			}}
		},
		"after step": func(cancel func()) *played {
			return &played{step: func(int, []world.Action) (world.Stepped, error) { cancel(); return world.Stepped{}, nil }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			tr := newTrial(t, planOf(9, nil, "a"))
			tr.cfg.World = w(cancel)
			res, err := Lockstep(ctx, tr.cfg)
			if err != nil || !res.Interrupted || res.Ticks != 0 || len(tr.log.records) != 0 {
				t.Errorf("result %+v, error %v, %d records", res, err, len(tr.log.records))
			}
		})
	}
}

func TestAWorldThatFails(t *testing.T) {
	tr := newTrial(t, planOf(9, nil, "a"))
	broken := errors.New("exited with status 3")
	tr.world.step = func(int, []world.Action) (world.Stepped, error) { return world.Stepped{}, broken }
	if err := tr.fault(t, "played", "tick 0", "status 3"); !errors.Is(err, broken) {
		t.Errorf("%v does not wrap the world's error", err)
	}
}

// A liar answers what was not asked.
type liar struct {
	*scripted
	out chan []agent.Answer
}

func (l *liar) Ask([]*agent.Observe)                     {}
func (l *liar) Await(ctx context.Context) []agent.Answer { return await(ctx, l.out) }

func TestAFleetThatAnswersWhatWasNotAsked(t *testing.T) {
	for name, answers := range map[string][]agent.Answer{
		"nobody":          {{Agent: "x", Ref: 1, Attempt: 1}},
		"no number":       {{Agent: "a", Attempt: 1}},
		"another number":  {{Agent: "a", Ref: 9, Attempt: 1}},
		"twice":           {{Agent: "a", Ref: 1, Attempt: 1}, {Agent: "a", Ref: 1, Attempt: 1}},
		"another tick":    {{Agent: "a", Ref: 1, Attempt: 1, Tick: 1}},
		"another attempt": {{Agent: "a", Ref: 1, Attempt: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(9, nil, "a", "b"))
			l := &liar{tr.fleet, make(chan []agent.Answer, 1)}
			tr.cfg.Fleet = l
			l.out <- answers
			_ = tr.fault(t, "not asked")
		})
	}
	tr := newTrial(t, planOf(9, nil, "a"))
	l := &liar{tr.fleet, make(chan []agent.Answer)}
	close(l.out)
	tr.cfg.Fleet = l
	_ = tr.fault(t, "no more answers", "tick 0")
}

func TestCollect(t *testing.T) {
	world3 := func(tick int, actions []world.Action) (world.Stepped, error) {
		return world.Stepped{Observations: again(tick, actions), Columns: []world.Column{
			{Name: "z", Value: fmt.Append(nil, tick)}, {Name: "b.action", Value: []byte("0")}, {Name: "m", Value: []byte("1")},
		}}, nil
	}
	for name, c := range map[string]struct {
		collect string
		want    []string // by tick
	}{
		"all": {`[]`, []string{"b.action=0 m=1 z=0", "b.action=0 m=1 z=1", "b.action=0 m=1 z=2"}},
		"named": {`[{"Column":"z","Every":2},{"Column":"absent"}]`,
			[]string{"z=0", "", "z=2"}},
		"fields": {`[{"Agent":"b*","Field":"action.offer.1","Every":2},{"Agent":"*","Field":"observation.t"},{"Agent":"b","Field":"observation.t"}]`,
			[]string{"a.observation.t=0 b.action.offer.1=[2] b.observation.t=0", "a.observation.t=1 b.observation.t=1", "a.observation.t=2 b.action.offer.1=[2] b.observation.t=2"}},
		"whole actions, the world's name first": {`[{"Agent":"b","Field":"action"},{"Column":"b.action"}]`,
			[]string{"b.action=0", "b.action=0", "b.action=0"}},
		"what is not there": {`[{"Agent":"*","Field":"action.offer.9"},{"Agent":"*","Field":"action.offer.x"},{"Agent":"*","Field":"action.n.deep"},{"Agent":"*","Field":"thought.x"}]`,
			[]string{"", "", ""}},
		"null is a value": {`[{"Agent":"b","Field":"action.n"}]`, []string{"b.action.n=null", "b.action.n=null", "b.action.n=null"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(3, nil, "a", "b")
			if err := json.Unmarshal([]byte(c.collect), &p.Collect); err != nil {
				t.Fatal(err)
			}
			tr := newTrial(t, p)
			tr.world.step = world3
			tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer { return fails(agent.Deadline, "") }
			tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer { return acts(`{"offer":[1,[2]],"n":null}`) }
			tr.run(t)
			for tick, want := range c.want {
				var got []string
				for _, col := range tr.log.at(t, tick).Columns {
					got = append(got, col.Name+"="+string(col.Value))
				}
				same(t, fmt.Sprint("tick ", tick), strings.Join(got, " "), want)
			}
		})
	}
}

func TestAgentsWithAProcessPerTurnGetSeedAndConfig(t *testing.T) {
	p := planOf(2, nil, "a", "b")
	p.Entries = append(p.Entries, plan.Entry{ID: "b", Kind: "exec"})
	p.Agents[1] = plan.Agent{ID: "b", Entry: 1, Config: []byte(`{"x":1}`)}
	tr := newTrial(t, p)
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		want := "0 "
		if o.Agent == "b" {
			want = fmt.Sprint(agent.TurnSeed(7, "b", o.Tick), ` {"x":1}`)
		}
		same(t, "seed and config", fmt.Sprint(o.Seed, " ", string(o.Config)), want)
		return acts("1")
	}
	tr.run(t)
}
