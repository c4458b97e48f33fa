package supervisor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A stage is a fleet under test with a log of what it answered.
type stage struct {
	*Fleet
	t    *testing.T
	told []told
}

type told struct {
	o   agent.Observe
	act agent.Act
}

// open starts a fleet and stops it when the test ends.
func open(t *testing.T, specs ...Spec) *stage {
	t.Helper()
	return openAs(t, false, specs...)
}

// openAs is open under one of both clocks.
func openAs(t *testing.T, realtime bool, specs ...Spec) *stage {
	t.Helper()
	return keptStage(t, t.TempDir(), comeback{realtime: realtime}, -1, nil, specs...)
}

// spec is a process of the test binary.
func spec(agents, how string, args ...string) Spec {
	s := Spec{Command: append([]string{"troupe", "agent", how}, args...), Kind: kind("stdio"), Reobserve: true, Restarts: 3, Pin: true,
		Env: map[string]string{"GORACE": "atexit_sleep_ms=0"}}
	for _, id := range strings.Fields(agents) {
		s.Agents = append(s.Agents, agent.Init{Run: "r1", Agent: id, Config: []byte("{}")})
	}
	s.ID = s.Agents[0].Agent
	return s
}

func kind(name string) agent.Kind {
	k, err := agent.Lookup(name)
	if err != nil {
		panic(err)
	}
	return k
}

// replay is the record: what was accepted in earlier ticks.
func (s *stage) replay(_ context.Context, ids []string, from int, yield func(*agent.Observe, *agent.Act) error) error {
	for i := range s.told {
		if s.told[i].o.Tick < from {
			continue
		}
		for _, id := range ids {
			if s.told[i].o.Agent == id {
				if err := yield(&s.told[i].o, &s.told[i].act); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tick asks agents, waits for all answers and commits.
func (s *stage) tick(n int, deadline time.Duration, ids string) map[string]agent.Answer {
	s.t.Helper()
	got := s.ask(n, deadline, ids)
	if err := s.Capture(s.t.Context(), n); err != nil {
		s.t.Fatal(err)
	}
	s.Facts()
	for _, a := range got {
		if a.Failure == "" {
			s.told = append(s.told, told{observe(a.Agent, n, deadline), a.Act})
		}
	}
	s.Committed(n)
	return got
}

func observe(id string, n int, deadline time.Duration) agent.Observe {
	return agent.Observe{Agent: id, Tick: n, Attempt: 1, Deadline: deadline, Observation: []byte(`{}`)}
}

func (s *stage) ask(n int, deadline time.Duration, ids string) map[string]agent.Answer {
	s.t.Helper()
	var batch []*agent.Observe
	for _, id := range strings.Fields(ids) {
		o := observe(id, n, deadline)
		batch = append(batch, &o)
	}
	return s.put(batch)
}

func (s *stage) put(batch []*agent.Observe) map[string]agent.Answer {
	s.t.Helper()
	s.Ask(batch)
	got := map[string]agent.Answer{}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for len(got) < len(batch) {
		list := s.Await(ctx)
		if len(list) == 0 {
			s.t.Fatalf("no answer; got %v", got)
		}
		for _, a := range list {
			if _, twice := got[a.Agent]; twice {
				s.t.Fatalf("two answers of %s in one tick", a.Agent)
			}
			got[a.Agent] = a
		}
	}
	return got
}

func want(t *testing.T, got map[string]agent.Answer, id string, f agent.Failure, text string) {
	t.Helper()
	a := got[id]
	if a.Failure != f {
		t.Fatalf("%s: outcome %q (%s), want %q", id, a.Failure, a.Detail, f)
	}
	if f == "" && string(a.Act.Action) != text {
		t.Fatalf("%s: action %s, want %s", id, a.Act.Action, text)
	}
	if f != "" && !strings.Contains(a.Detail, text) {
		t.Fatalf("%s: detail %q, want %q in it", id, a.Detail, text)
	}
}

func TestManyProcessesManyTicks(t *testing.T) {
	var specs []Spec
	var ids []string
	for i := range 8 {
		ids = append(ids, fmt.Sprintf("a%d", i))
		specs = append(specs, spec(ids[i], "count"))
	}
	s := open(t, specs...)
	for n := range 20 {
		got := s.tick(n, 0, strings.Join(ids, " "))
		for _, id := range ids {
			want(t, got, id, "", fmt.Sprintf(`{"n":%d}`, n+1))
		}
	}
	for _, st := range s.Statuses() {
		if st.State != Ready || st.PID == 0 {
			t.Errorf("status %+v, want a ready process", st)
		}
	}
}

func TestCrashIsHydratedAndAskedAgain(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s := open(t, spec("a b c", "crash", "b", "2", mark))
	for n := range 5 {
		got := s.tick(n, 0, "a b c")
		for _, id := range []string{"a", "b", "c"} {
			want(t, got, id, "", fmt.Sprintf(`{"n":%d}`, n+1))
		}
	}
	if _, err := os.Stat(mark); err != nil {
		t.Fatal("the agent never crashed")
	}
}

func TestRefusedAttemptsAreToldAgain(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s := open(t, spec("a", "crash", "a", "1", mark))
	s.tick(0, 0, "a")
	if err := os.WriteFile(mark, nil, 0o600); err != nil { // not yet
		t.Fatal(err)
	}
	want(t, s.ask(1, 0, "a"), "a", "", `{"n":2}`)
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	o := observe("a", 1, 0)
	o.Attempt, o.Error = 2, "refused"
	want(t, s.put([]*agent.Observe{&o}), "a", "", `{"n":3}`)
}

func TestCrashingForGood(t *testing.T) {
	s := open(t, spec("a", "crash-always", "a"), spec("b", "count"))
	for n := range lostTicks {
		got := s.tick(n, 0, "a b")
		want(t, got, "a", agent.Crash, "crashed 3 times in one tick; the last time: killed by signal 9")
		want(t, got, "b", "", fmt.Sprintf(`{"n":%d}`, n+1))
	}
	want(t, s.tick(lostTicks, 0, "a b"), "a", agent.Crash, "not started again")
}

func TestCrashWithoutRestart(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	sp := spec("a", "crash", "a", "1", mark)
	sp.Restarts = 0
	s := open(t, sp)
	want(t, s.tick(0, 0, "a"), "a", "", `{"n":1}`)
	want(t, s.tick(1, 0, "a"), "a", agent.Crash, "killed by signal 9")
	want(t, s.tick(2, 0, "a"), "a", "", `{"n":2}`) // hydrated with tick 0 alone
}

func TestOnlyTheGuiltyOfASharedProcess(t *testing.T) {
	s := open(t, spec("a b c d", "crash-always", "c"))
	got := s.tick(0, 0, "a b c d")
	want(t, got, "c", agent.Crash, "killed by signal 9")
	for _, id := range []string{"a", "b", "d"} {
		want(t, got, id, "", `{"n":1}`)
	}
	want(t, s.tick(1, 0, "a b d"), "d", "", `{"n":2}`)
}

func TestExitAtOnceQuotesTheLog(t *testing.T) {
	s := open(t, spec("a", "exit-at-once"))
	got := s.tick(0, 0, "a")
	want(t, got, "a", agent.Crash, "exited with status 3")
	want(t, got, "a", agent.Crash, "no luck today")
	want(t, got, "a", agent.Crash, "stderr.log")
}

func TestBadLines(t *testing.T) {
	s := open(t, spec("garbage", "garbage"), spec("chatty", "chatty"), spec("other", "other"),
		spec("silent", "silent"), spec("utf8", "not-utf8"), spec("long", "long-line"))
	got := s.tick(0, time.Minute, "garbage chatty utf8 long")
	for id, a := range s.tick(1, 2*time.Second, "other silent") {
		got[id] = a
	}
	want(t, got, "garbage", "", `{"n":1}`)
	want(t, got, "chatty", "", `{"n":1}`)
	want(t, got, "other", agent.Deadline, "it answered tick 8 instead of tick 1")
	want(t, got, "silent", agent.Deadline, "does it flush")
	want(t, got, "utf8", agent.InvalidAction, "UTF-8")
	want(t, got, "long", agent.Oversize, "1048576")
	for n := 2; n < 10; n++ { // 1.4 MB a tick into the log
		want(t, s.tick(n, time.Minute, "chatty"), "chatty", "", fmt.Sprintf(`{"n":%d}`, n))
	}
	var size int64
	for _, name := range []string{"stderr.log", "stderr.log.1"} {
		st, err := os.Stat(filepath.Join(s.opts.Dir.Dir, "agents", "chatty", name))
		if err != nil {
			t.Fatal(err)
		}
		size += st.Size()
	}
	if size > 2*logSize {
		t.Errorf("the log takes %d bytes, more than %d", size, 2*logSize)
	}
}

func TestHalfALine(t *testing.T) {
	s := open(t, spec("half", "half-line"))
	want(t, s.tick(0, time.Minute, "half"), "half", agent.Crash, "exited with status 0")
}

func TestLateAnswerFreesTheAgent(t *testing.T) {
	s := open(t, spec("a", "late", "400"))
	want(t, s.tick(0, 100*time.Millisecond, "a"), "a", agent.Deadline, "no answer within 100ms")
	busy := s.tick(1, 100*time.Millisecond, "a")["a"]
	if busy.Failure != agent.Deadline || !busy.Unsent || !busy.Timed {
		t.Fatalf("while busy: %+v", busy)
	}
	for n := 2; ; n++ {
		facts := s.Facts()
		if len(facts) > 0 && facts[len(facts)-1].Kind == "late" && facts[len(facts)-1].Tick == 0 {
			s.Committed(n)
			want(t, s.tick(n, time.Minute, "a"), "a", "", `{"n":2}`)
			return
		}
	}
}

func TestDeadlinePolicyRestart(t *testing.T) {
	sp := spec("a", "silent")
	sp.DeadlineAsks = 2
	s := open(t, sp)
	first := s.Statuses()[0].PID
	want(t, s.tick(0, 100*time.Millisecond, "a"), "a", agent.Deadline, "no answer")
	if now := s.Statuses()[0].PID; now == first {
		t.Error("the process was not restarted")
	}
}

func TestDaemonThatHoldsStdout(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	sp := spec("a", "daemon", file)
	sp.Restarts = 0
	s := open(t, sp)
	want(t, s.tick(0, 0, "a"), "a", "", `{"n":1}`)
	want(t, s.tick(1, 0, "a"), "a", agent.Crash, "exited with status 4")
	if killed := s.Stop("over"); killed != 1 {
		t.Errorf("%d survivors killed, want 1", killed)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the daemon %d lives: %v", pid, err)
	}
}

func TestStopEndsWhoIgnoresTerm(t *testing.T) {
	s := open(t, spec("a", "stubborn"), spec("b", "count"))
	want(t, s.tick(0, 0, "a b"), "a", "", `{"n":1}`)
	s.Stop("over")
	for _, st := range s.Statuses() {
		if st.State != Stopped || st.PID != 0 {
			t.Errorf("after Stop: %+v", st)
		}
	}
}

func TestRetire(t *testing.T) {
	s := open(t, spec("a b", "count"), spec("c", "count"))
	s.tick(0, 0, "a b c")
	s.Retire([]string{"a", "c"}, "done")
	want(t, s.tick(1, 0, "b"), "b", "", `{"n":2}`)
	for s.Statuses()[1].State != Stopped {
		<-s.drivers[1].done()
	}
	s.Add([]Spec{spec("d", "count")})
	want(t, s.tick(2, 0, "b d"), "d", "", `{"n":1}`)
	sub := spec("d", "count")
	sub.ID = "d-substitute"
	s.Substitute(sub)
	want(t, s.tick(3, 0, "b d"), "d", "", `{"n":1}`)
}

func TestCannotSpawn(t *testing.T) {
	sp := spec("a", "count")
	sp.Command = []string{"/does/not/exist"}
	s := open(t, sp, spec("b", "count"))
	got := s.tick(0, 0, "a b")
	want(t, got, "a", agent.Spawn, "cannot start /does/not/exist")
	want(t, got, "b", "", `{"n":1}`)
}

func TestExec(t *testing.T) {
	sp := spec("a", "count")
	sp.Kind = kind("exec")
	bad := spec("b", "crash-always", "b")
	bad.Kind = kind("exec")
	slow := spec("c", "silent")
	slow.Kind = kind("exec")
	s := open(t, sp, bad, slow)
	for n := range 3 {
		got := s.tick(2*n, time.Minute, "a b")
		want(t, got, "a", "", `{"n":1}`)
		want(t, got, "b", agent.Crash, "killed by signal 9")
		want(t, s.tick(2*n+1, time.Second, "c"), "c", agent.Deadline, "no answer and exit within 1s")
	}
	s.Retire([]string{"b"}, "done")
	if list := s.Statuses(); len(list[1].Agents) != 0 || len(list[2].Agents) != 1 {
		t.Errorf("after b was retired: %v", list)
	}
}

// Whoever looks at a fleet, or kills it, is never in the way of processes that
// die and are started again, and never waits for them for good.
func TestStatusesWhileProcessesDie(t *testing.T) {
	s := open(t, spec("a", "crash-always", "a"), spec("b", "fine"))
	over := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if list := s.Statuses(); len(list) != 2 || list[0].ID != "a" || list[1].Agents[0] != "b" {
					t.Errorf("statuses: %v", list)
					return
				}
			}
		})
	}
	for n := range 4 {
		s.tick(n, 0, "a b")
	}
	close(over)
	wg.Wait()
}

func TestKillAndStatusesWhileProcessesEnd(t *testing.T) {
	var specs []Spec
	for i := range 40 {
		specs = append(specs, spec(fmt.Sprintf("a%d", i), "count"))
	}
	s := open(t, specs...)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop("over")
	}()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for {
			s.Statuses()
			select {
			case <-stopped:
				return
			default:
			}
		}
	}()
	for range 2 {
		s.Kill()
	}
	select {
	case <-looked:
	case <-time.After(10 * time.Second):
		panic("Stop, Kill and Statuses wait for each other") // not Fatal: the test's end would wait too
	}
}

func TestStopWhileProcessesDieAtOnce(t *testing.T) {
	for i := range 30 {
		var specs []Spec
		var ids []string
		for k := range 30 {
			ids = append(ids, fmt.Sprintf("a%d", k))
			sp := spec(ids[k], "")
			sp.Command = []string{"/bin/true"}
			sp.Restarts = 1000
			specs = append(specs, sp)
		}
		s := open(t, specs...)
		var batch []*agent.Observe
		for _, id := range ids {
			o := observe(id, 0, 0)
			batch = append(batch, &o)
		}
		s.Ask(batch)
		time.Sleep(time.Duration(i%6) * time.Millisecond / 2)
		s.Stop("over")
	}
}
