package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// TestResumeEndsInTheSameHash cancels a run after each of its ticks in turn
// and lets it go on from its log.
func TestResumeEndsInTheSameHash(t *testing.T) {
	const ticks = 12
	for seed := range uint64(8) {
		whole, _ := lotteryTrial(t, seed, 1, ticks)
		want := whole.run(t)
		for k := range ticks - 1 {
			tr, _ := lotteryTrial(t, seed, 2, ticks)
			ctx, cancel := context.WithCancel(t.Context())
			tr.cfg.OnTick = func(rec *record.Record, _ [32]byte) {
				if rec.Tick == k {
					cancel()
				}
			}
			res, err := Lockstep(ctx, tr.cfg)
			cancel()
			if err != nil || !res.Interrupted || res.Ticks != k+1 {
				t.Fatalf("seed %d cancelled after tick %d: %+v, %v", seed, k, res, err)
			}
			w := newLottery(seed)
			next, _ := lotteryTrial(t, seed, 3, ticks)
			next.log, next.cfg.Log, next.cfg.World = tr.log, tr.log, w
			if next.cfg.From, err = Restore(t.Context(), tr.log, tr.cfg.Plan, "r1", w, nil); err != nil {
				t.Fatal(err)
			}
			same(t, "tick and hash", fmt.Sprint(next.cfg.From.Tick(), next.cfg.From.Hash()), fmt.Sprint(k+1, res.Hash))
			got, err := Lockstep(t.Context(), next.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("seed %d resumed after tick %d:\n got %+v\nwant %+v", seed, k, got, want)
			}
			if lines := sorted(append(tr.fleet.asked, next.fleet.asked...)); !slices.Equal(lines, sorted(whole.fleet.asked)) {
				t.Errorf("seed %d resumed after tick %d: other lines were asked", seed, k)
			}
		}
	}
}

// sorted takes out the order of answers, which retries follow.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func TestAFinishedRunIsNotPlayedOn(t *testing.T) {
	tr, _ := lotteryTrial(t, 3, 1, 5)
	want := tr.run(t)
	w := newLottery(3)
	from, err := Restore(t.Context(), tr.log, tr.cfg.Plan, "r1", w, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "end", from.End(), record.EndTicks)
	tr.cfg.From, tr.cfg.World = from, w
	got := tr.run(t)
	same(t, "result", got, want)
}

func TestTheWorldsHistoryIsWhatItAccepted(t *testing.T) {
	for seed := range uint64(20) {
		tr, w := lotteryTrial(t, seed, 1, 20)
		tr.run(t)
		for _, upto := range []int{-1, 0, 7} {
			replayed := &played{}
			err := WorldHistory(t.Context(), tr.log, tr.cfg.Plan, nil, 0, upto, func(tick int, actions []world.Action) error {
				if tick != len(replayed.given) {
					t.Errorf("tick %d comes as number %d", tick, len(replayed.given))
				}
				_, err := replayed.Step(t.Context(), tick, actions)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			want := w.chosen
			if upto >= 0 {
				want = want[:upto]
			}
			same(t, fmt.Sprintf("seed %d up to %d", seed, upto), replayed.given, want)
		}
	}
}

func TestAReadersErrorIsNotTheLogs(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a"))
	tr.run(t)
	enough := errors.New("enough")
	err := WorldHistory(t.Context(), tr.log, tr.cfg.Plan, nil, 0, -1, func(int, []world.Action) error { return enough })
	if err != enough { //nolint:errorlint // as it is, with nothing about the log
		t.Errorf("error %v, want yield's", err)
	}
}

func TestRestoreFindsAWorldThatIsNotTheSame(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a", "b"))
	tr.run(t)
	for name, c := range map[string]struct {
		w    *played
		says string
	}{
		"another observation": {&played{step: func(tick int, _ []world.Action) (world.Stepped, error) {
			return world.Stepped{Observations: sees(tick+2, "a", "b")}, nil
		}}, `tick 1, agent a, observation: at byte 5: recorded {"t":1}, now {"t":2}`},
		"one less": {&played{step: func(tick int, _ []world.Action) (world.Stepped, error) {
			return world.Stepped{Observations: sees(tick+1, "a")}, nil
		}}, `tick 1, agent b, observation: recorded {"t":1}, now nothing`},
		"one more": {&played{ready: func(world.Init) world.Ready {
			return world.Ready{Observations: sees(0, "a", "b", "c")}
		}}, `tick 0, agent c, observation: recorded nothing, now {"t":0}`},
		"a refusal": {&played{step: func(int, []world.Action) (world.Stepped, error) {
			return world.Stepped{}, &world.Refusal{Why: map[string]string{"a": "changed my mind"}}
		}}, "changed my mind"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Restore(t.Context(), tr.log, tr.cfg.Plan, "r1", c.w, nil)
			if err == nil || !contains(err.Error(), c.says) {
				t.Errorf("error %v does not say %q", err, c.says)
			}
		})
	}
}

func TestRebuildKnowsWhoLives(t *testing.T) {
	p := planOf(3, nil, "a", "b", "c")
	p.Entries = append(p.Entries, later("rabbit-{n}", 5))
	tr := newTrial(t, p)
	tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer { return agent.Answer{Act: agent.Act{Done: true}} }
	tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
		if tick == 0 {
			return world.Stepped{Remove: []string{"a"}, Add: []world.Agent{{ID: "rabbit-1"}}}, nil
		}
		return world.Stepped{}, nil
	}
	tr.run(t)
	from, err := Rebuild(t.Context(), tr.log, p)
	if err != nil {
		t.Fatal(err)
	}
	agents, processes := from.Added()
	same(t, "living", from.Living(), []string{"c", "rabbit-1"})
	same(t, "added", fmt.Sprint(agents[0].ID, " ", processes[0].Agents), "rabbit-1 [rabbit-1]")
	same(t, "tick", from.Tick(), 3)
}

func TestALogWithAHole(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a"))
	tr.run(t)
	tr.log.records, tr.log.hashes = tr.log.records[1:], tr.log.hashes[1:]
	if _, err := Rebuild(t.Context(), tr.log, tr.cfg.Plan); err == nil || !contains(err.Error(), "tick 1 where that of tick 0") {
		t.Errorf("error is %v", err)
	}
	stop := errors.New("enough")
	tr = newTrial(t, planOf(3, nil, "a"))
	tr.run(t)
	err := History(t.Context(), tr.log, tr.cfg.Plan, nil, []string{"a"}, func(*agent.Observe, *agent.Act) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("%v is not yield's error", err)
	}
}
