package bench

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCrash(t *testing.T) {
	needLinux(t)
	rep, err := Crash(t.Context(), CrashOptions{Only: []string{"together"}, Kills: 4, Seed: 11})
	if err != nil {
		t.Fatal(err)
	}
	c := rep.Scenarios[0]
	if !rep.Holds() || c.Kills.all() < 4 || c.Runs == 0 || c.Ticks != 60 || c.Hash == "" {
		t.Errorf("%+v", c)
	}
}

// What a crash test is for is seen: each of these makes a report that does not
// hold, and says why.
func TestCrashSees(t *testing.T) {
	needLinux(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "alone.yaml")
	if err := os.WriteFile(path, []byte(crashes["alone"]), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crasher{dir: dir, path: path, rand: rand.New(rand.NewPCG(1, 2))}
	if err := c.inPeace(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &crashRun{crasher: c, data: filepath.Join(dir, "data")}
	got, over, err := r.turn(t.Context(), r.disturb)
	if err != nil || !over {
		t.Fatal(err)
	}
	if err := r.remember(t.Context()); err != nil || len(r.seen) != got.Ticks {
		t.Fatalf("%d ticks of %d are on record (%v)", len(r.seen), got.Ticks, err)
	}
	for what, ill := range map[string]func(got *outcome) (undo func()){
		"DIFFERS: it ended after 60 ticks with hash 00": func(got *outcome) func() {
			got.Hash = "00"
			return func() {}
		},
		"LEFT: bus/x.tmp": func(*outcome) func() {
			name := filepath.Join(r.data, "bus", "x.tmp")
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() { _ = os.Remove(name) }
		},
		" 2 ": func(*outcome) func() { // two ticks lost
			r.seen = append(slices.Clone(r.seen), "more")
			r.seen[3] = "another"
			return func() {}
		},
	} {
		c.got = Crashed{}
		got := got
		undo := ill(&got)
		if err := r.judge(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		undo()
		rep := CrashReport{Scenarios: []Crashed{c.got}}
		var text strings.Builder
		if err := rep.Print(&text); err != nil || rep.Holds() || !strings.Contains(text.String(), what) {
			t.Errorf("want %q in\n%s", what, text.String())
		}
	}
	c.got = Crashed{}
	if err := r.judge(t.Context(), got); err != nil || !c.got.Holds() {
		t.Fatalf("%+v, %v", c.got, err)
	}
	// What comes back later is lost all the same.
	r.begun, r.seen = true, append(r.seen, "more")
	if err := r.remember(t.Context()); err != nil || c.got.Lost != 1 {
		t.Errorf("%d ticks are lost (%v), want the one that was played again", c.got.Lost, err)
	}
}

func TestCrashInterrupted(t *testing.T) {
	needLinux(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := CrashOptions{Only: []string{"rabbits"}, Progress: func(string, int, int) { cancel() }}
	if rep, err := Crash(ctx, o); rep != nil || err == nil {
		t.Errorf("got %+v, %v", rep, err)
	}
}

func TestCrashOptions(t *testing.T) {
	for says, o := range map[string]CrashOptions{
		`unknown scenario "axelrod": they are alone, files, rabbits, together`: {Only: []string{"axelrod"}},
		"-1 kills are none": {Kills: -1},
	} {
		if _, err := Crash(t.Context(), o); err == nil || err.Error() != says {
			t.Errorf("%+v: %v, want %s", o, err, says)
		}
	}
}
