package supervisor

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/workspace"
)

// tricks are ways to leave processes behind, in sh. Each of those has $NAME among
// its arguments; left is how many there are.
var tricks = map[string]struct {
	script string
	left   int
}{
	"session":     {`setsid sleep $NAME &`, 1},
	"double-fork": {`(setsid sh -c 'sleep $NAME & exit' &)`, 1},
	"no-env":      {`setsid env -i /bin/sleep $NAME &`, 1},
	"no-home":     {`cd /; HOME=/ TMPDIR=/ setsid sleep $NAME &`, 1},
	"deaf":        {`setsid sh -c 'trap "" TERM HUP INT; sleep $NAME & wait; sleep $NAME' $NAME &`, 2},
	"tree":        {`setsid sh -c 'setsid sh -c "setsid sleep $NAME & sleep $NAME; :" $NAME & sleep $NAME; :' $NAME &`, 5},
	"stopped":     {`setsid sh -c 'kill -STOP $$' $NAME &`, 1},
	"swarm":       {`setsid sh -c 'for i in $(seq 40); do setsid sleep $NAME & sleep 0.01; done; wait' $NAME &`, 20},
	"group":       {`sleep $NAME &`, 1},
}

// leaves is the first turn of the agents "leaves": TRICK NAME leaves processes
// behind, by the trick, all with the name among their arguments. In any other
// turn the agent tells how many there are; in tick 1, where a file says so, it
// dies first.
func leaves(l heardLine, args []string) bool {
	name := args[1]
	switch l.Tick {
	case 0:
		trick := tricks[args[0]]
		cmd := exec.Command("/bin/sh", "-c", trick.script)
		cmd.Env = append(os.Environ(), "NAME="+name)
		cmd.Stdout = os.Stdout // they hold it
		if err := cmd.Run(); err != nil {
			panic(err)
		}
		for named(name) < 1+trick.left { // with this one
			time.Sleep(200 * time.Millisecond)
		}
	case 1:
		if _, err := os.Stat(args[2]); err == nil {
			_ = os.Remove(args[2])
			die()
		}
	}
	fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{"left":%d}}`+"\n", l.Agent, l.Tick, max(0, named(name)-1))
	return true
}

// named counts the processes with a name among their arguments; more of them
// than one may be the agent.
func named(name string) (n int) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && bytes.Contains(text, []byte("\x00"+name)) {
			n++
		}
	}
	return n
}

// TestNoSurvivors has processes leave others behind in every way, and come to
// their end in every way: nothing of them is there afterwards, and nothing
// before another takes their place.
func TestNoSurvivors(t *testing.T) {
	ends := map[string]func(s *stage, ids string, dead func(id string)){
		"stop": func(s *stage, ids string, _ func(string)) {},
		"retire": func(s *stage, ids string, dead func(string)) {
			s.Retire(strings.Fields(ids), "no more")
			for _, d := range s.all() {
				if d.status().ID != "good" {
					<-d.done()
				}
			}
			for _, id := range strings.Fields(ids) {
				dead(id)
			}
		},
		"crash": func(s *stage, ids string, _ func(string)) {
			for id, a := range s.tick(1, 0, ids) {
				if string(a.Act.Action) != `{"left":0}` {
					s.t.Errorf("%s: after a crash: %s%s", id, a.Act.Action, a.Detail)
				}
			}
		},
	}
	for how, end := range ends {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			specs := []Spec{spec("good", "count")}
			var ids []string
			name := func(id string) string { // of a number that sleep takes
				return fmt.Sprintf("1000.%d%d", os.Getpid(), slices.Index(slices.Sorted(maps.Keys(tricks)), id))
			}
			most := 0
			for id, trick := range tricks {
				again := filepath.Join(dir, id)
				if how == "crash" {
					if err := os.WriteFile(again, nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				s := spec(id, "leaves", id, name(id), again)
				s.Reobserve, s.Restarts = false, 2
				specs, ids = append(specs, s), append(ids, id)
				if id != "group" {
					most += trick.left
				}
			}
			s := open(t, specs...)
			all := strings.Join(ids, " ")
			for id, a := range s.tick(0, 0, all) {
				if a.Failure != "" {
					t.Fatalf("%s: %s %s", id, a.Failure, a.Detail)
				}
			}
			dead := func(id string) {
				if n := named(name(id)); n > 0 {
					t.Errorf("%s: %d are left", id, n)
				}
			}
			end(s, all, dead)
			want(t, s.tick(2, 0, "good"), "good", "", `{"n":1}`)
			if killed := s.Stop("over"); killed < most {
				t.Errorf("%d were killed, want %d or more", killed, most)
			}
			for _, id := range ids {
				dead(id)
			}
		})
	}
}

// A supervisor that was killed leaves processes whose environment is empty; the
// tag tells which run's they are.
func TestLeftoversWithoutEnvironment(t *testing.T) {
	dir := t.TempDir()
	name := "1000.1" + strconv.Itoa(os.Getpid())
	release := holdReaper()
	defer release()
	s := newStarter(dir)
	defer s.close()
	c, err := s.spawn(launch{Command: workspace.Command{Argv: []string{"/bin/sh", "-c", "setsid env -i /bin/sleep " + name + " & exec sleep 1000"}}}, pumped{}, handler{
		stdout: func([]byte) {}, ended: func() {}, stderr: func([]byte) {}, gone: func(*child) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	for named(name) < 1 {
		time.Sleep(time.Millisecond)
	}
	killed, err := KillLeftovers(t.Context(), dir)
	if err != nil || killed != 2 {
		t.Errorf("killed %d, %v; want 2", killed, err)
	}
	<-c.gone
	if n := named(name); n > 0 {
		t.Errorf("%d are left", n)
	}
}
