package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// TestRealtimeHistory holds what a restarted process would be told against what
// processes were told and answered.
func TestRealtimeHistory(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(16) {
		tr, m := realtimeTrial(t, seed, 80)
		leave := visit(t, tr.cfg.Door, seed)
		tr.realtime(t)
		same(t, "at the door", admitted(t, tr.log), leave())
		lives := lives(t, tr.log)
		for _, id := range []string{"a", "b", "c", "d", "e", "rabbit-1", "rabbit-2"} {
			told := map[string][]string{}
			if err := History(t.Context(), tr.log, tr.cfg.Plan, nil, []string{id}, collector(told)); err != nil {
				t.Fatal(err)
			}
			want := m.onRecord(t, lives, id, len(told[id]))
			same(t, fmt.Sprintf("seed %d, history of %s", seed, id), strings.Join(told[id], "\n"), strings.Join(want, "\n"))
			text := strings.Join(want, "\n")
			count(seen, text)
			seen["redelivered"] += strings.Count(text, "redelivered")
			seen["null"] += strings.Count(text, `"observation":null`)
		}
		seen["substitutes"] += len(m.replaced)
	}
	for _, what := range []string{"unknown", `"results":[{`, `"from":`, "substitutes", "redelivered", "null"} {
		if seen[what] == 0 {
			t.Errorf("the games had none of %s", what)
		}
	}
}

// TestRealtimeResumes cancels runs somewhere and lets them go on: what waits is
// told marked, and all that is told agrees with the record.
func TestRealtimeResumes(t *testing.T) {
	marked := 0
	for seed := range uint64(10) {
		tr, _ := realtimeTrial(t, seed, 70)
		leave := visit(t, tr.cfg.Door, seed)
		ctx, cancel := context.WithCancel(t.Context())
		stop := 1 + int(seed)
		tr.cfg.OnTick = func(rec *record.Record, _ [32]byte) {
			if rec.Tick == stop {
				cancel()
			}
		}
		res, err := Realtime(ctx, tr.cfg)
		cancel()
		taken := leave()
		if err != nil {
			t.Fatalf("seed %d: %+v, %v", seed, res, err)
		}
		if !res.Interrupted {
			continue // it had fallen quiet
		}
		before := map[string][]string{}
		ids := []string{"a", "b", "c", "d", "e", "rabbit-1", "rabbit-2"}
		if err := History(t.Context(), tr.log, tr.cfg.Plan, nil, ids, collector(before)); err != nil {
			t.Fatal(err)
		}
		next, n := realtimeTrial(t, seed, 70)
		had := lives(t, tr.log)
		for _, id := range ids {
			n.answered[id], n.lives[id] = before[id], make([][]string, had[id])
		}
		next.log, next.cfg.Log = tr.log, tr.log
		if next.cfg.From, err = Restore(t.Context(), tr.log, tr.cfg.Plan, "r1", next.cfg.World, nil); err != nil {
			t.Fatal(err)
		}
		leave = visit(t, next.cfg.Door, seed+1000)
		next.realtime(t)
		for tick, what := range leave() {
			taken[tick] = what
		}
		same(t, "at the door", admitted(t, tr.log), taken)
		lives := lives(t, tr.log)
		for _, id := range ids {
			told := map[string][]string{}
			if err := History(t.Context(), tr.log, tr.cfg.Plan, nil, []string{id}, collector(told)); err != nil {
				t.Fatal(err)
			}
			want := n.onRecord(t, lives, id, len(told[id]))
			same(t, fmt.Sprintf("seed %d, history of %s", seed, id), strings.Join(told[id], "\n"), strings.Join(want, "\n"))
		}
		marked += strings.Count(strings.Join(n.lines, "\n"), "redelivered")
	}
	if marked == 0 {
		t.Error("no message was asked marked")
	}
}

// TestRealtimeIsRepeated plays games of random failures again.
func TestRealtimeIsRepeated(t *testing.T) {
	for seed := range uint64(10) {
		tr, m := realtimeTrial(t, seed, 70)
		leave := visit(t, tr.cfg.Door, seed)
		tr.realtime(t)
		leave()
		for id, last := range m.answered {
			m.lives[id] = append(m.lives[id], last)
		}
		_, cfg := repeatOf(t, tr, seed, m.lives)
		res, err := Repeat(t.Context(), cfg)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if res.Difference != nil {
			t.Fatalf("seed %d: %s", seed, res.Difference.Text("recorded", "now"))
		}
		same(t, "ticks", res.Ticks, len(tr.log.records))
	}
}

// TestRealtimeConsumesOnce follows each message by its number: what was
// delivered is consumed once, in order, or still waits.
func TestRealtimeConsumesOnce(t *testing.T) {
	for seed := range uint64(10) {
		tr, _ := realtimeTrial(t, seed, 90)
		tr.cfg.World = nil
		tr.cfg.Plan.World = plan.World{}
		for f, p := range tr.cfg.Plan.Entries[0].Policies {
			if p.Name == "noop" {
				tr.cfg.Plan.Entries[0].Policies[f] = plan.Policy{Name: "skip"}
			}
		}
		leave := visit(t, tr.cfg.Door, seed)
		tr.realtime(t)
		leave()
		consumed := map[string]int{}
		delivered := map[string]int{}
		soc, err := replay(t.Context(), tr.log, tr.cfg.Plan, nil, nil, func(s *society, rec *record.Record) error {
			for i := range rec.Turns {
				if x := &rec.Turns[i]; !x.Unsent {
					consumed[x.Agent] += x.Taken.Messages
				}
			}
			for _, m := range rec.Messages {
				from, known := s.find(m.From)
				if !known {
					from = outsider
				}
				if s.refuse(from, m.From, m.To, m.Channel, m.Body) != "" {
					continue
				}
				to := []string{m.To}
				if m.Channel != "" {
					to = nil
					for _, slot := range s.channels[m.Channel].members {
						if slot != from {
							to = append(to, s.members[slot].id)
						}
					}
				}
				for _, id := range to {
					delivered[id]++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range soc.members {
			if m := &soc.members[i]; m.alive && delivered[m.id] != consumed[m.id]+len(m.mail) {
				t.Errorf("seed %d: %s was sent %d, has consumed %d, and %d wait", seed, m.id, delivered[m.id], consumed[m.id], len(m.mail))
			}
		}
	}
}

func TestRealtimeNewcomers(t *testing.T) {
	p := planOf(0, nil, "a")
	p.Clock, p.World = plan.Clock{Mode: plan.Realtime}, plan.World{}
	p.Entries = append(p.Entries, later("rabbit-{n}", 1))
	m := newRestless(t, 1)
	m.any = func(o *agent.Observe) agent.Answer { return acts("1", tells("rabbit-1", "1")) }
	tr := &trial{fleet: m.scripted, log: &memory{}}
	d := &Door{}
	tr.cfg = Config{Plan: p, Fleet: m, Log: tr.log, Door: d}
	var wg sync.WaitGroup
	wg.Go(func() {
		add := func(id, config string) string {
			tick, err := d.Add(context.Background(), id, []byte(config))
			return fmt.Sprintln(tick, err)
		}
		got := add("rabbit-1", `{"x":1}`) + add("rabbit-1", "") + add("rabbit-2", "") + add("wolf", "")
		_, err := d.Send(context.Background(), "rabbit-2", tells("a", "1"))
		got += fmt.Sprintln(err)
		for _, id := range []string{"rabbit-1", "a"} {
			tick, err := d.Remove(context.Background(), id)
			got += fmt.Sprintln(tick, err)
		}
		_, err = d.Remove(context.Background(), "a")
		got += fmt.Sprint(err)
		want := `0 <nil>
0 cannot add agent rabbit-1, which is or was one: an id is used once in a run
0 cannot add agent rabbit-2: 1 agents of rabbit-{n} are alive, as many as its max allows
0 cannot add agent wolf: it matches no entry that says max: rabbit-{n}, where {n} counts from 1
rabbit-2 is a name that an agent may get: nobody else can send in its name
1 <nil>
2 <nil>
the run is over or stopping: nothing of this is on record`
		same(t, "the door", got, want)
	})
	res := tr.realtime(t)
	wg.Wait()
	same(t, "end", res.End, record.EndEmpty)
	same(t, "fleet", fmt.Sprint(m.added, m.retired), `[rabbit-1 {"x":1} in rabbit-1] [rabbit-1: removed]`)
}

// TestRealtimeWorld has the world stepped with one action at a time, and told
// of who is no more.
func TestRealtimeWorld(t *testing.T) {
	p := planOf(0, nil, "a", "b")
	p.Clock.Mode = plan.Realtime
	m := newRestless(t, 1)
	m.any = func(o *agent.Observe) agent.Answer {
		return acts(fmt.Sprintf(`"%s at %d"`, o.Agent, o.Tick))
	}
	tr := &trial{fleet: m.scripted, world: &played{}, log: &memory{}}
	d := &Door{}
	tr.world.ready = func(world.Init) world.Ready { return world.Ready{Observations: sees(0, "a")} }
	tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		who := map[string]string{"a": "b", "b": "a"}[actions[len(actions)-1].Agent]
		if tick >= 2 {
			who = "a"
		}
		done := slices.ContainsFunc(actions, func(a world.Action) bool { return a.Failure == agent.Done })
		return world.Stepped{Observations: sees(tick+1, who), Done: done}, nil
	}
	tr.cfg = Config{Plan: p, World: tr.world, Fleet: m, Log: tr.log, Door: d}
	var wg sync.WaitGroup
	tr.cfg.OnTick = func(rec *record.Record, _ [32]byte) {
		if rec.Tick == 2 { // from here on only a plays
			wg.Go(func() {
				if _, err := d.Remove(context.Background(), "b"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	tr.realtime(t)
	wg.Wait()
	given := strings.Join(tr.world.given, ", ")
	if !strings.HasPrefix(given, `a="a at 0", b="b at 1", a="a at 2"`) || !strings.Contains(given, "b=done") || strings.Count(given, "b=done") != 1 {
		t.Errorf("the world was given %s", given)
	}
}

// TestQuiet ends a run that has had something to do, and has nothing more.
func TestQuiet(t *testing.T) {
	p := planOf(0, nil, "a")
	p.Clock, p.World = plan.Clock{Mode: plan.Realtime, Quiet: 1}, plan.World{}
	m := newRestless(t, 1)
	m.any = nil
	d := &Door{}
	lg := &memory{}
	var wg sync.WaitGroup
	wg.Go(func() {
		if tick, err := d.Send(context.Background(), "x", tells("a", "1")); tick != 0 || err != nil {
			t.Errorf("sent at %d, %v", tick, err)
		}
	})
	res, err := Realtime(t.Context(), Config{Plan: p, Fleet: m, Log: lg, Door: d})
	wg.Wait()
	if err != nil || res.End != record.EndQuiet || res.Timed != 1 || res.Ticks != 3 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestNobodyIsLeftAtTheDoor has the first of several calls fail with the log:
// the others are told too, that nothing comes of what they ask for.
func TestNobodyIsLeftAtTheDoor(t *testing.T) {
	p := planOf(0, nil, "a")
	p.Clock, p.World = plan.Clock{Mode: plan.Realtime}, plan.World{}
	d := &Door{}
	said := make(chan error, 3)
	for range cap(said) {
		go func() {
			_, err := d.Send(t.Context(), "x", tells("a", "1"))
			said <- err
		}()
	}
	waiting := func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.calls)
	}
	for waiting() < cap(said) {
		runtime.Gosched()
	}
	full := errors.New("disk full")
	if _, err := Realtime(t.Context(), Config{Plan: p, Fleet: newRestless(t, 1), Log: &memory{fail: full}, Door: d}); !errors.Is(err, full) {
		t.Errorf("the run ended with %v", err)
	}
	failed, shut := 0, 0
	for range cap(said) {
		switch err := <-said; {
		case errors.Is(err, full):
			failed++
		case errors.Is(err, ErrShut):
			shut++
		default:
			t.Errorf("somebody was told %v", err)
		}
	}
	same(t, "told of the failure, and shut out", fmt.Sprint(failed, shut), "1 2")
}

// TestRealtimeHoldsTheWorldToWhatItMaySay from its first word on.
func TestRealtimeHoldsTheWorldToWhatItMaySay(t *testing.T) {
	long := []world.Observation{{Agent: "a", JSON: fmt.Appendf(nil, `"%s"`, strings.Repeat("x", agent.MaxLine))}}
	for want, given := range map[string][]world.Observation{
		`two observations to agent "a"`:          sees(0, "a", "a"),
		`an observation to "z"`:                  sees(0, "z"),
		`an empty observation to agent "a"`:      {{Agent: "a"}},
		`its observation of agent "a" has, with`: long,
	} {
		p := planOf(0, nil, "a")
		p.Clock.Mode = plan.Realtime
		w := &played{ready: func(world.Init) world.Ready { return world.Ready{Observations: given} }}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Realtime(ctx, Config{Plan: p, World: w, Fleet: newRestless(t, 1), Log: &memory{}, OnStart: cancel})
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the run ended with %v, want %s", err, want)
		}
	}
}

// TestWhoWentIsForgotten: without a world there is nobody to be told of them.
func TestWhoWentIsForgotten(t *testing.T) {
	p := planOf(0, nil, "a", "b", "c")
	p.Clock = plan.Clock{Mode: plan.Realtime}
	for kind, want := range map[string]int{"": 0, "played": 2} {
		p.World = plan.World{Kind: kind}
		s := newSociety(p, 0)
		for tick, id := range []string{"a", "c"} {
			if err := s.apply(&record.Record{Tick: tick, Removed: []string{id}}, [32]byte{}); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "world "+kind+" is to be told of", len(s.parting), want)
	}
}
