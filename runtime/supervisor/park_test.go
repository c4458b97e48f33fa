package supervisor

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// notes counts an agent's observations in a file of its workspace.
func notes(agent string) int {
	text, _ := os.ReadFile("count-" + agent)
	n, _ := strconv.Atoi(string(text))
	n++
	if err := os.WriteFile("count-"+agent, strconv.AppendInt(nil, int64(n), 10), 0o600); err != nil {
		panic(err)
	}
	return n
}

// A comeback is a way to come back, and to go.
type comeback struct {
	cgroups   *workspace.Cgroups
	walls     *workspace.Walls
	memory    int64
	state     string
	lifecycle string
	residents int
	realtime  bool
	patience  time.Duration
}

func (c comeback) spec(agents string, args ...string) Spec {
	s := spec(agents, "notes", args...)
	s.Reobserve, s.Snapshot = c.state != "none", c.state == "snapshot"
	switch c.lifecycle {
	case "hybrid":
		s.Parks, s.Idle = true, time.Nanosecond // at once, that is
	case "wanted":
		s.Parks = true
	case "ephemeral":
		s.Parks, s.Ephemeral = true, true
	}
	return s
}

// keptStage is a fleet over a directory that stays.
func keptStage(t *testing.T, dir string, c comeback, last int, told []told, specs ...Spec) *stage {
	t.Helper()
	s := &stage{t: t, told: told}
	s.Fleet = New(Options{Run: "r1", Dir: workspace.Run{Dir: dir}, Walls: cmp.Or(c.walls, &workspace.Walls{}), Replay: s.replay, Last: last,
		Residents: c.residents, Keep: 2, Realtime: c.realtime, Patience: c.patience, Cgroups: c.cgroups, Memory: c.memory, Goroutines: os.Getenv(goroutines) != ""})
	t.Cleanup(func() { s.Stop("the test is over") })
	if err := s.Start(context.Background(), specs); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestComingBack has agents that keep a count in memory and one in a file come
// back in every way there is, from being parked, from being killed at work and
// at rest, and from the end of the fleet. They go on where they were.
func TestComingBack(t *testing.T) {
	for _, state := range []string{"reobserve", "snapshot", "none"} {
		for _, lifecycle := range []string{"long-running", "hybrid", "wanted", "ephemeral"} {
			c := comeback{state: state, lifecycle: lifecycle}
			if lifecycle == "wanted" {
				c.residents = 2
			}
			t.Run(state+" "+lifecycle, func(t *testing.T) { c.play(t) })
		}
	}
}

func (c comeback) play(t *testing.T) {
	r := rand.New(rand.NewPCG(7, uint64(len(c.state)+len(c.lifecycle))))
	dir := t.TempDir()
	specs := []Spec{c.spec("a"), c.spec("b"), c.spec("c d")}
	s := keptStage(t, dir, c, -1, nil, specs...)
	const ticks = 12
	for n := range ticks {
		if n == ticks/2 {
			s.Stop("the supervisor dies")
			for i := range specs {
				specs[i].Past = true
			}
			// What a tick that was not committed leaves behind.
			if err := os.WriteFile(filepath.Join(dir, "agents", "a", "work", "count-a"), []byte("99"), 0o600); err != nil {
				t.Fatal(err)
			}
			s = keptStage(t, dir, c, n-1, s.told, specs...)
		}
		got := s.tick(n, 0, "a b c d")
		for _, id := range []string{"a", "b", "c", "d"} {
			text := fmt.Sprintf(`{"n":%d,"file":%d}`, n+1, n+1)
			if c.state == "none" { // what it has in memory is gone
				text = fmt.Sprintf(`"file":%d}`, n+1)
			}
			if a := got[id]; a.Failure != "" || !strings.HasSuffix(string(a.Act.Action), text) {
				t.Fatalf("tick %d, %s: %s%s %s, want %s", n, id, a.Act.Action, a.Failure, a.Detail, text)
			}
		}
		if n%3 == 2 {
			if err := s.Snapshot(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(2) == 0 {
			s.killOne(r.IntN(3))
		}
	}
}

// killOne kills a process, if it is there, and waits until that was noticed.
func (s *stage) killOne(i int) {
	pid := s.Statuses()[i].PID
	if pid == 0 {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for s.Statuses()[i].PID == pid {
		time.Sleep(time.Millisecond)
	}
}

// happened counts the facts of a kind, by agent or process.
func (s *stage) happened(kind string) map[string]int {
	n := map[string]int{}
	for _, f := range s.Facts() {
		if f.Kind == kind {
			n[f.Agent]++
		}
	}
	return n
}

// TestResidents has more agents than there may be processes, all asked at
// once, some of which hang.
func TestResidents(t *testing.T) {
	c := comeback{state: "reobserve", lifecycle: "wanted", residents: 1}
	var specs []Spec
	for i := range 6 {
		specs = append(specs, c.spec(fmt.Sprintf("a%d", i)))
	}
	hung := c.spec("h")
	hung.Command = []string{"troupe", "agent", "silent"}
	specs = append(specs, hung)
	s := keptStage(t, t.TempDir(), c, -1, nil, specs...)
	most, parked := 0, map[string]int{}
	for n := range 4 {
		var batch []*agent.Observe
		for i := range 6 {
			o := observe(fmt.Sprintf("a%d", i), n, 0)
			batch = append(batch, &o)
		}
		o := observe("h", n, 50*time.Millisecond)
		got := s.put(append(batch, &o))
		want(t, got, "h", agent.Deadline, "")
		for i := range 6 {
			want(t, got, fmt.Sprintf("a%d", i), "", fmt.Sprintf(`{"n":%d,"file":%d}`, n+1, n+1))
		}
		live := 0
		for _, st := range s.Statuses() {
			if st.PID != 0 {
				live++
			}
		}
		most = max(most, live)
		for _, a := range got {
			if a.Failure == "" {
				s.told = append(s.told, told{observe(a.Agent, n, 0), a.Act})
			}
		}
		for who, n := range s.happened("parked") {
			parked[who] += n
		}
		s.Committed(n)
	}
	if most > 1 {
		t.Errorf("%d processes were there at a time, and there may be 1", most)
	}
	if len(parked) < 7 {
		t.Errorf("parked were %v", parked)
	}
}

// TestASecretiveAgent never tells its state: it is killed for it and told all
// of its past again.
func TestASecretiveAgent(t *testing.T) {
	sp := spec("a", "secretive")
	sp.Snapshot = true
	dir := t.TempDir()
	s := keptStage(t, dir, comeback{patience: 300 * time.Millisecond}, -1, nil, sp)
	for n := range 3 {
		want(t, s.tick(n, 0, "a"), "a", "", fmt.Sprintf(`{"n":%d}`, n+1))
		if err := s.Snapshot(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "agents", "a", "stderr.log"))
	if err != nil || !strings.Contains(string(log), "killed: it did not tell its state within 300ms") {
		t.Errorf("its log is %q (%v)", log, err)
	}
}

// TestTornStates has the newest states of a process cut off, or the files that go
// with them lost: it comes back by older ones, or from its beginning.
func TestTornStates(t *testing.T) {
	for name, lose := range map[string]func(kept string) error{
		"the newest states": func(kept string) error { return os.Truncate(filepath.Join(kept, "states", "a", "5.jsonl"), 30) },
		"the newest files":  func(kept string) error { return os.Truncate(filepath.Join(kept, "files", "a", "5.jsonl"), 30) },
		"all files":         func(kept string) error { return os.RemoveAll(filepath.Join(kept, "files", "a", "blobs")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := comeback{state: "snapshot"}
			dir := t.TempDir()
			sp := c.spec("a b")
			s := keptStage(t, dir, c, -1, nil, sp)
			for n := range 6 {
				s.tick(n, 0, "a b")
				if err := s.Snapshot(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			s.Stop("the supervisor dies")
			if err := lose(filepath.Join(dir, "checkpoints")); err != nil {
				t.Fatal(err)
			}
			sp.Past = true
			s = keptStage(t, dir, c, 5, s.told, sp)
			want(t, s.tick(6, 0, "a b"), "b", "", `{"n":7,"file":7}`)
		})
	}
}

// TestWhatIsStillNeeded has agents that rest, and ones that end, while others
// are asked: they hold no old checkpoint back, and coming back at once they are
// told nothing again.
func TestWhatIsStillNeeded(t *testing.T) {
	c := comeback{state: "snapshot", lifecycle: "hybrid"}
	s := keptStage(t, t.TempDir(), c, -1, nil, c.spec("a"), c.spec("b"), c.spec("c"), c.spec("never"))
	read := 0
	s.opts.Replay = func(ctx context.Context, ids []string, from int, yield func(*agent.Observe, *agent.Act) error) error {
		read++
		return s.replay(ctx, ids, from, yield)
	}
	s.tick(0, 0, "a b c")
	s.rests("a", "b", "c")
	s.Retire([]string{"c"}, "done")
	for n := 1; n < 5; n++ {
		if err := s.Snapshot(t.Context(), n-1); err != nil {
			t.Fatal(err)
		}
		if at := s.Oldest(n); at != n {
			t.Errorf("before tick %d, tick %d is still needed", n, at)
		}
		s.tick(n, 0, "a")
		s.rests("a")
	}
	if len(s.tell) != 1 {
		t.Errorf("%d processes are to tell their states at the next checkpoint, and one was asked since", len(s.tell))
	}
	want(t, s.tick(5, 0, "b"), "b", "", `{"n":2,"file":2}`)
	if read > 0 {
		t.Errorf("the log was read %d times", read)
	}
}

// rests waits until processes are parked.
func (s *stage) rests(ids ...string) {
	for _, st := range s.Statuses() {
		for slices.Contains(ids, st.ID) && s.stateOf(st.ID) != Parked {
			time.Sleep(time.Millisecond)
		}
	}
}

func (s *stage) stateOf(id string) State {
	for _, st := range s.Statuses() {
		if st.ID == id {
			return st.State
		}
	}
	panic("no process " + id)
}

// TestKilledForItsPlace has an agent that hangs, and is killed where its place
// is wanted: it owes nothing any more, however soon it is asked again.
func TestKilledForItsPlace(t *testing.T) {
	f := emptyFleet(t, 1)
	sp := spec("h", "silent")
	sp.Parks = true
	p := newResident(f, sp)
	f.places.try(0)
	p.mu.Lock()
	p.placed = true
	p.revive()
	p.mu.Unlock()
	<-p.begun()
	t.Cleanup(func() { p.stop("the test is over", patient); <-p.done() })
	for p.status().State != Ready {
		time.Sleep(time.Millisecond)
	}
	for n := range 2 {
		o := observe("h", n, time.Millisecond)
		p.ask([]*agent.Observe{&o})
		var got []agent.Answer
		for len(got) == 0 {
			got = f.Await(t.Context())
		}
		if got[0].Failure != agent.Deadline || got[0].Unsent {
			t.Fatalf("tick %d: %s: %s", n, got[0].Failure, got[0].Detail)
		}
		f.places.mu.Lock()
		f.places.leaving.add(0) // its place is wanted
		f.places.mu.Unlock()
		for !p.yield() { // the answer comes a moment before it rests
			time.Sleep(time.Millisecond)
		}
	}
}

// TestIdleAfterItsDeadline has an agent answer too late: it is idle, and parked
// for it, from then on.
func TestIdleAfterItsDeadline(t *testing.T) {
	sp := spec("a", "late", "200")
	sp.Parks, sp.Idle = true, time.Nanosecond
	s := open(t, sp)
	want(t, s.tick(0, 20*time.Millisecond, "a"), "a", agent.Deadline, "")
	s.rests("a")
}
