package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// gluttons are what the agents "glutton" do in tick 1, by what they take too much
// of, in sh; the agent then waits for what becomes of it. Those that the kernel
// holds to limits whoever started them do it themselves.
var gluttons = map[string]string{
	"memory":     `exec setsid tail /dev/zero`,
	"cpu":        `setsid sh -c 'while :; do :; done' & while :; do :; done`,
	"processes":  `for i in $(seq 60); do setsid sleep 1000 & done; sleep 1000`,
	"disk":       `head -c 8000000 /dev/urandom >$TMPDIR/a; head -c 8000000 /dev/urandom >b; sleep 1000`,
	"wall":       `sleep 1000`,
	"file_size":  ``,
	"files":      ``,
	"own-memory": ``,
}

// glutton WHAT
func glutton(l heardLine, args []string) bool {
	if l.Tick != 1 {
		return false
	}
	switch what := args[0]; what {
	case "file_size": // Go programs are not ended by the signal
		panic(syscall.Exec("/bin/sh", []string{"sh", "-c", "exec dd if=/dev/zero of=large bs=64k count=200"}, os.Environ()))
	case "files":
		n := 0
		for ; ; n++ {
			if _, err := os.Open("/dev/null"); err != nil {
				break
			}
		}
		fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{"some":%t}}`+"\n", l.Agent, l.Tick, n > 10 && n < 40)
		return true
	case "own-memory":
		bloat(nil)
	default:
		cmd := exec.Command("/bin/sh", "-c", gluttons[what])
		if err := cmd.Run(); err != nil && what != "processes" { // it may not be able to start that many
			panic(err)
		}
	}
	time.Sleep(time.Hour)
	return true
}

// bloat takes memory until it is ended.
func bloat([]string) {
	var all [][]byte
	for {
		all = append(all, bytes.Repeat([]byte{1}, 1<<20))
		goruntime.KeepAlive(all)
	}
}

// strict are limits of which each glutton passes one.
var strict = map[string]Limits{
	"memory":     {Memory: 96 << 20},
	"own-memory": {Memory: 96 << 20},
	"cpu":        {CPU: time.Second},
	"processes":  {Processes: 40},
	"disk":       {Disk: 10 << 20},
	"wall":       {Wall: 2 * time.Second},
	"file_size":  {FileSize: 4 << 20},
	"files":      {Files: 40},
}

// TestLimits has processes pass each limit: they are ended with all that they
// started, their outcome says what they passed, and they are there again for the
// next turn, unless it was time that they have spent. Nobody else is hurt.
func TestLimits(t *testing.T) {
	groups, err := workspace.FindCgroups(GroupPrefix(t.TempDir()))
	if err != nil {
		t.Log("no control groups:", err)
	}
	for _, cgroups := range []*workspace.Cgroups{groups, nil} {
		name := "kernel"
		if cgroups == nil {
			name = "watched"
		}
		if name == "kernel" && groups == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if cgroups == nil && groups != nil {
				t.Parallel()
			}
			var specs []Spec
			var ids []string
			for what, l := range strict {
				if cgroups != nil && l.Memory == 0 && l.Processes == 0 {
					continue
				}
				s := spec(what, "glutton", what)
				s.Limits = l
				specs, ids = append(specs, s), append(ids, what)
			}
			specs = append(specs, spec("good", "count"))
			s := keptStage(t, t.TempDir(), comeback{cgroups: cgroups}, -1, nil, specs...)
			all := strings.Join(append(ids, "good"), " ")
			s.tick(0, 0, all)
			for id, a := range s.tick(1, 0, all) {
				l := strict[id]
				limit := strings.TrimPrefix(id, "own-")
				switch {
				case id == "good":
					want(t, map[string]agent.Answer{id: a}, id, "", `{"n":2}`)
					continue
				case id == "files":
					want(t, map[string]agent.Answer{id: a}, id, "", `{"some":true}`)
					continue
				case a.Failure != agent.Limit || !strings.HasPrefix(a.Detail, "limits."+limit+": "):
					t.Errorf("%s: %s %q %s", id, a.Failure, a.Detail, a.Act.Action)
				}
				by := l.Enforcement(cgroups, false)[limit]
				if limit == "cpu" && strings.HasSuffix(a.Detail, "(kernel)") { // the kernel holds each process
					by = ByKernel
				}
				if !strings.HasSuffix(a.Detail, "("+by+")") || by == Watched != a.Timed && limit != "cpu" && cgroups == nil {
					t.Errorf("%s: %q, timed %v, want it %s", id, a.Detail, a.Timed, by)
				}
			}
			for id, a := range s.tick(2, 0, all) {
				// Time that is spent is not given back.
				if over := id == "cpu" || id == "wall"; over != (a.Failure == agent.Limit) || !over && a.Failure != "" {
					t.Errorf("%s afterwards: %s %s", id, a.Failure, a.Detail)
				}
			}
		})
	}
}

// A process that passes limits again and again is not started each time: others
// would wait for it.
func TestPenalty(t *testing.T) {
	var p penalty
	now := time.Now()
	after := func(d time.Duration) bool { return p.now(now.Add(d)) != nil }
	pass := func(d time.Duration, timed bool) { p.passed(&excess{limit: "memory", timed: timed}, now.Add(d)) }
	pass(0, true)
	if after(0) {
		t.Error("it is not started after the first time")
	}
	pass(penaltyTime/2, false)
	if after(penaltyTime / 2) {
		t.Error("it is not started because of what no clock has decided")
	}
	pass(penaltyTime/2, true)
	if !after(penaltyTime) || after(2*penaltyTime) {
		t.Error("it is started at once, or never")
	}
}

// What a process took before its supervisor ended counts, and what it takes is on
// record.
func TestSpent(t *testing.T) {
	a := spec("a", "glutton", "wall")
	a.Limits.Wall = 2 * time.Second
	s := open(t, a)
	s.tick(0, 0, "a")
	want(t, s.ask(1, 0, "a"), "a", agent.Limit, "limits.wall: it used ")
	var spent string
	for _, f := range s.Facts() {
		if f.Kind == "spent" && f.Agent == "a" {
			spent = f.Detail
		}
	}
	s.Stop("over")
	a.Spent = spent
	want(t, open(t, a).tick(0, 0, "a"), "a", agent.Limit, "limits.wall: it used 2")
}

// A process that passes a limit before it is ready, or while it is told its past,
// is not tried again and again: each turn ends once.
func TestLimitAtTheStart(t *testing.T) {
	bloated := spec("a", "bloat")
	bloated.Limits = strict["memory"]
	s := open(t, bloated)
	s.Facts()
	for n := range 3 {
		got := s.tick(n, 0, "a")
		want(t, got, "a", agent.Limit, "limits.memory: ")
		if !got["a"].Unsent {
			t.Error("its mail is lost: it never had it")
		}
	}
}
