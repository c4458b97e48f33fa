package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

func init() {
	starts["fork"] = forks
	withheld["bomb"], withheld["untag"], withheld["comet"] = bombs, untag, startComet
}

// explosives are what the agents "bomb" become in tick 1, in sh. Each starts
// itself twice, many times over, and stays for some seconds; their number is
// bounded by the depth. $NAME is among the arguments of all.
var explosives = map[string]string{
	// In the agent's session, as the famous one.
	"sh": `b() { [ $1 -eq 0 ] || { b $(($1-1)) & b $(($1-1)) & }; exec sleep $NAME; }; b 7`,
	// Each in a session of its own.
	"sessions": `BOMB='[ $1 -eq 0 ] || { setsid sh -c "$BOMB" $0 $(($1-1)) & setsid sh -c "$BOMB" $0 $(($1-1)) & }; exec sleep $0'; export BOMB; exec setsid sh -c "$BOMB" $NAME 6`,
	// In Go, and it does not take no for an answer.
	"go": `exec /proc/self/exe agent fork $NAME 5`,
}

// bombs is the agents "bomb": HOW NAME.
func bombs(l heardLine, args []string) bool {
	if l.Tick != 1 {
		return false
	}
	if args[0] == "go" {
		go forks([]string{args[1], "5"})
	} else {
		cmd := exec.Command("/bin/sh", "-c", explosives[args[0]])
		cmd.Env = append(os.Environ(), "NAME="+args[1])
		_ = cmd.Run() // it may not be able to start that many
	}
	time.Sleep(time.Hour)
	return true
}

// forks NAME DEPTH starts itself twice and stays until it is killed.
func forks(args []string) {
	depth, err := strconv.Atoi(args[1])
	if err != nil {
		panic(err)
	}
	for n := 0; depth > 0 && n < 2; n++ {
		for try := 0; try < 100; try++ {
			_, err := syscall.ForkExec("/proc/self/exe", []string{"test", "agent", "fork", args[0], strconv.Itoa(depth - 1)},
				&syscall.ProcAttr{Env: os.Environ(), Sys: &syscall.SysProcAttr{Setsid: true}})
			if err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(2 * time.Minute) // or until nobody can be waiting for that
}

// tierStage is a fleet behind walls of one kind; nil where those cannot be had.
func tierStage(t *testing.T, tier string, groups *workspace.Cgroups, specs ...Spec) *stage {
	t.Helper()
	v := behind(t, tier)
	if v == nil {
		return nil
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range specs {
		specs[i].Readable = []string{own}
	}
	return keptStage(t, v.run.Dir, comeback{walls: v.walls, cgroups: groups}, -1, nil, specs...)
}

// TestForkBombs has processes go off behind each kind of walls, with control
// groups and without. Their turn ends by the limit that they have, all that they
// started is gone before the next one, and nobody else is hurt.
func TestForkBombs(t *testing.T) {
	if os.Getenv(goroutines) != "" {
		return // it makes no difference to them
	}
	groups, err := workspace.FindCgroups(GroupPrefix(t.TempDir()))
	if err != nil {
		t.Log("no control groups:", err)
	}
	for _, tier := range workspace.Tiers() {
		for _, cgroups := range []*workspace.Cgroups{groups, nil} {
			name := tier + " by control groups"
			if cgroups == nil {
				name = tier
			} else if groups == nil {
				continue
			}
			t.Run(name, func(t *testing.T) { explode(t, tier, cgroups) })
			if groups == nil {
				break
			}
		}
	}
}

func explode(t *testing.T, tier string, cgroups *workspace.Cgroups) {
	specs := []Spec{spec("good", "count")}
	names := map[string]string{}
	for how := range explosives {
		names[how] = fmt.Sprintf("20.%d%d", os.Getpid(), len(names))
		s := spec(how, "bomb", how, names[how])
		s.Limits.Processes = 50
		specs = append(specs, s)
	}
	s := tierStage(t, tier, cgroups, specs...)
	if s == nil {
		return
	}
	all := "good sh sessions go"
	s.tick(0, 0, all)
	by := specs[1].Limits.Enforcement(cgroups, tier == "uid")["processes"]
	for id, a := range s.tick(1, 0, all) {
		switch {
		case id == "good":
			want(t, map[string]agent.Answer{id: a}, id, "", `{"n":2}`)
		case a.Failure != agent.Limit || !strings.HasPrefix(a.Detail, "limits.processes: ") || !strings.HasSuffix(a.Detail, "50 ("+by+")") || !a.Timed:
			t.Errorf("%s: %s %q, timed %v; want it held by %s", id, a.Failure, a.Detail, a.Timed, by)
		}
	}
	for id, a := range s.tick(2, 0, all) {
		if a.Failure != "" {
			t.Errorf("%s afterwards: %s %s", id, a.Failure, a.Detail)
		}
		if n := named(names[id]); id != "good" && n > 1 { // one is the agent
			t.Errorf("%s afterwards: %d are left", id, n-1)
		}
	}
	if killed := s.Stop("over"); killed < 20 { // those in the agent's session do not count
		t.Errorf("%d were killed", killed)
	}
	for id, name := range names {
		if n := named(name); n > 0 {
			t.Errorf("%s: %d are left", id, n)
		}
	}
}

// What has taken its tag off is found by its user, where it has one of its own,
// before another process takes its place; and else when the fleet stops.
func TestSurvivorsWithoutTag(t *testing.T) {
	for _, tier := range workspace.Tiers() {
		t.Run(tier, func(t *testing.T) {
			name := fmt.Sprintf("1000.2%d", os.Getpid())
			a := spec("a", "untag", name)
			a.Reobserve, a.Restarts = false, 2
			s := tierStage(t, tier, nil, a)
			if s == nil {
				return
			}
			s.tick(0, 0, "a")
			left := `{"left":1}`
			if tier == "uid" {
				left = `{"left":0}`
			}
			want(t, s.tick(1, 0, "a"), "a", "", left)
			if killed := s.Stop("over"); killed != 1 {
				t.Errorf("%d were killed", killed)
			}
			if n := named(name); n > 0 {
				t.Errorf("%d are left", n)
			}
		})
	}
}

// untag NAME leaves a process behind that has no tag, and dies once it has
// answered; later it tells how many there are.
func untag(l heardLine, args []string) bool {
	if l.Tick == 0 {
		if err := unix.Setrlimit(unix.RLIMIT_LOCKS, &unix.Rlimit{Cur: 1, Max: 1}); err != nil {
			panic(err)
		}
		if _, err := syscall.ForkExec("/bin/sleep", []string{"sleep", args[0]}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}}); err != nil {
			panic(err)
		}
		fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{}}`+"\n", l.Agent, l.Tick)
		os.Exit(0)
	}
	fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{"left":%d}}`+"\n", l.Agent, l.Tick, named(args[0])-1)
	return true
}

// comet is a script that goes on in a child of its own again and again, so that
// none of its processes is there for long; it writes to a file meanwhile. It
// ends by itself after some seconds.
const comet = `n=$1; stop=$(($1-900))
f() { [ $n -le $stop ] || { n=$(($n-1)); : >>"$FILE"; echo >>"$FILE"; f & exit; }; [ $n -le 0 ] || exec sh -c "$COMET" comet $n; exit; }
f`

// TestComet has a process leave one behind that is another one all the time.
func TestComet(t *testing.T) {
	if os.Getenv(goroutines) != "" {
		return // it makes no difference to it
	}
	for _, tier := range workspace.Tiers() {
		t.Run(tier, func(t *testing.T) {
			a := spec("a", "comet")
			a.Reobserve, a.Restarts = false, 2
			s := tierStage(t, tier, nil, a)
			if s == nil {
				return
			}
			file := filepath.Join(s.opts.Dir.Dir, "agents", "a", "work", "trace")
			trace := func() int64 {
				info, err := os.Stat(file)
				if err != nil {
					return 0 // it went when the workspace was restored, and nobody has made it again
				}
				return info.Size()
			}
			s.tick(0, 0, "a")
			want(t, s.tick(1, 0, "a"), "a", "", `{}`) // by another process
			before := trace()
			for range 30 {
				named("comet")
			}
			if after := trace(); after != before {
				t.Errorf("it went on from %d to %d", before, after)
			}
			if killed := s.Stop("over"); killed < 1 {
				t.Errorf("%d were killed", killed)
			}
		})
	}
}

// startComet leaves one behind in tick 0, and dies.
func startComet(l heardLine, _ []string) bool {
	fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{}}`+"\n", l.Agent, l.Tick)
	if l.Tick > 0 {
		return true
	}
	file, err := filepath.Abs("trace")
	if err != nil {
		panic(err)
	}
	_, err = syscall.ForkExec("/bin/sh", []string{"sh", "-c", comet, "comet", "50000"}, &syscall.ProcAttr{
		Env: append(os.Environ(), "COMET="+comet, "FILE="+file), Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		panic(err)
	}
	for n := int64(0); n < 100; {
		if info, err := os.Stat(file); err == nil {
			n = info.Size()
		}
	}
	os.Exit(0)
	return true
}
