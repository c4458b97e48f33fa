package supervisor

import (
	"encoding/json"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// mask reads the cores that a thread may use, in hexadecimal digits, from
// $status.
const mask = `while read -r key mask && [ "$key" != Cpus_allowed: ]; do :; done <$status`

// oneThread is an agent without threads, which answers the cores it may use.
// The second answer takes long.
const oneThread = `
read -r init
echo '{"type":"ready","agent":"'$1'"}'
status=/proc/$$/status
while read -r line; do
	case $line in *'"observe"'*) ;; *) continue ;; esac
	tick=${line#*'"tick":'}
	tick=${tick%%[!0-9]*}
	[ $tick != 1 ] || sleep 0.2
	` + mask + `
	echo '{"type":"act","agent":"'$1'","tick":'$tick',"action":["'$mask'"]}'
done`

// soonThreads is an agent that has one thread until it is asked: it then becomes
// the test binary, which has several. The answer of tick $2 takes long.
const soonThreads = `
read -r init
echo '{"type":"ready","agent":"'$1'"}'
read -r line
exec "$0" agent cores "$2" "$line"`

// script is a process of a shell that knows the test binary.
func script(t *testing.T, id, text string, args ...string) Spec {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := spec(id, "")
	s.Command = append([]string{"/bin/sh", "-c", text, self, id}, args...)
	return s
}

// wantCores holds an agent's answer against how many cores each of its threads
// is to have.
func wantCores(t *testing.T, got map[string]agent.Answer, id string, n int) {
	t.Helper()
	var masks []string
	if err := json.Unmarshal(got[id].Act.Action, &masks); err != nil || len(masks) == 0 {
		t.Fatalf("%s: %v in %+v", id, err, got[id])
	}
	for _, m := range masks {
		have := 0
		for _, digit := range strings.ReplaceAll(m, ",", "") {
			d, err := strconv.ParseUint(string(digit), 16, 4)
			if err != nil {
				t.Fatal(err)
			}
			have += bits.OnesCount64(d)
		}
		if have != n {
			t.Errorf("%s: a thread has %d cores, want %d: %q", id, have, n, masks)
		}
	}
}

// coresKept is how many cores there are, and how many a process has that is
// kept: only watchers keep one.
func coresKept(t *testing.T) (all, kept int) {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(goroutines) != "" {
		return set.Count(), set.Count()
	}
	return set.Count(), 1
}

// A process of one thread stays on its core however long it takes, unless its
// entry says no.
func TestPin(t *testing.T) {
	all, kept := coresKept(t)
	free := script(t, "free", oneThread)
	free.Pin = false
	s := open(t, script(t, "kept", oneThread), free)
	for n := range 3 {
		got := s.tick(n, time.Minute, "kept free")
		wantCores(t, got, "kept", kept)
		wantCores(t, got, "free", all)
	}
}

func TestThreadsAfterReady(t *testing.T) {
	all, kept := coresKept(t)
	free := script(t, "free", soonThreads, "1")
	free.Pin = false
	s := open(t, script(t, "kept", soonThreads, "1"), free)
	got := s.tick(0, time.Minute, "kept free")
	wantCores(t, got, "kept", kept)
	wantCores(t, got, "free", all)
	s.tick(1, time.Minute, "kept free") // its answer is slow
	got = s.tick(2, time.Minute, "kept free")
	wantCores(t, got, "kept", all)
	wantCores(t, got, "free", all)
}

func TestThreadsMissADeadline(t *testing.T) {
	all, kept := coresKept(t)
	s := open(t, script(t, "a", soonThreads, "1"))
	wantCores(t, s.tick(0, time.Minute, "a"), "a", kept)
	want(t, s.ask(1, 10*time.Millisecond, "a"), "a", agent.Deadline, "no answer within 10ms")
	for late := false; !late; {
		for _, f := range s.Facts() {
			late = late || f.Kind == "late"
		}
	}
	s.Committed(1)
	wantCores(t, s.tick(2, time.Minute, "a"), "a", all)
}
