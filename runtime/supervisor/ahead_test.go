package supervisor

import "testing"

// TestAnotherFuture has the last ticks of a run lost, and played again without
// some of those who were asked in them. What was kept of these is not taken for
// theirs at the same ticks, however often the run is resumed.
func TestAnotherFuture(t *testing.T) {
	for _, state := range []string{"none", "snapshot", "exec"} {
		t.Run(state, func(t *testing.T) {
			c := comeback{state: state, lifecycle: "ephemeral"}
			a, b := c.spec("a"), c.spec("b")
			if state == "exec" {
				b.Kind, b.Reobserve, b.Command = kind("exec"), false, []string{"troupe", "agent", "notes"}
			}
			dir := t.TempDir()
			s := keptStage(t, dir, c, -1, nil, a, b)
			for n := range 6 {
				s.tick(n, 0, "a b")
				if n == 2 || n == 5 {
					if err := s.Snapshot(t.Context(), n); err != nil {
						t.Fatal(err)
					}
				}
			}
			s.Stop("the supervisor dies")
			told := s.told[:3*2] // the log ends with tick 2
			a.Past, b.Past = true, true
			s = keptStage(t, dir, c, 2, told, a, b)
			for n := 3; n < 9; n++ {
				s.tick(n, 0, "a")
			}
			s.Stop("the supervisor dies again")
			s = keptStage(t, dir, c, 8, s.told, a, b)
			got := s.tick(9, 0, "b")["b"]
			want := `{"n":4,"file":4}`
			if state != "snapshot" {
				want = `{"n":1,"file":4}`
			}
			if string(got.Act.Action) != want {
				t.Errorf("got %s%s %s, want %s", got.Act.Action, got.Failure, got.Detail, want)
			}
		})
	}
}

// TestNewInAnOpenTick has a process that came in a tick which was not committed
// come again: it begins anew.
func TestNewInAnOpenTick(t *testing.T) {
	c := comeback{state: "none"}
	a, x := c.spec("a"), c.spec("x")
	dir := t.TempDir()
	s := keptStage(t, dir, c, -1, nil, a)
	s.tick(0, 0, "a")
	s.Add([]Spec{x})
	want(t, s.ask(1, 0, "x"), "x", "", `{"n":1,"file":1}`)
	s.Stop("the supervisor dies")
	a.Past = true
	s = keptStage(t, dir, c, 0, s.told, a)
	s.Add([]Spec{x})
	want(t, s.tick(1, 0, "x"), "x", "", `{"n":1,"file":1}`)
}

// TestLostTail has the log lose its last ticks: files go back with it, as far as
// they are kept, and further is told.
func TestLostTail(t *testing.T) {
	for lost, text := range map[int]string{1: `{"n":1,"file":20}`, recent: `{"n":1,"file":17}`, recent + 1: `{"n":1,"file":1}`} {
		c := comeback{state: "none"}
		a := c.spec("a")
		dir := t.TempDir()
		s := keptStage(t, dir, c, -1, nil, a)
		const ticks = 20
		for n := range ticks {
			s.tick(n, 0, "a")
		}
		s.Stop("the supervisor dies")
		a.Past = true
		s = keptStage(t, dir, c, ticks-1-lost, s.told, a)
		want(t, s.ask(ticks-lost, 0, "a"), "a", "", text)
		if n := s.happened("rewound")["a"]; (n == 1) != (lost > recent) {
			t.Errorf("%d ticks lost: %d facts tell of it", lost, n)
		}
	}
}
