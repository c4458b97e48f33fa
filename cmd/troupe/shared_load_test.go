package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSharedLoad has many agents commit to few files, with and without leases,
// while agents are killed and stopped and the supervisor is killed, each at a moment
// when commits come in: every commit that was acknowledged is there once, none is
// lost, the history has no branches, and the queue is fair: of those who want the
// same path who asked first has it first, and nobody waits for ever.
func TestSharedLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	sharedLoad(t, 8, 400, 6)
}

func sharedLoad(t *testing.T, agents, commits, harms int) {
	path := filepath.Join(t.TempDir(), "load.yaml")
	write(t, path, fmt.Sprintf(`name: load
clock: {mode: realtime, quiet: 2s, deadline: 600s}
on_failure: {crash: {restart: {attempts: 100}}}
channels: {all: {members: ["*"]}}
shared: {}
agents:
  - {id: "c-{n}", replicas: %d, command: [committer, "%d"]}
`, agents, commits))
	data := t.TempDir()
	troupe := troupeIn(data)
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		for range 20 { // the run may be killed before it has heard
			if troupe("send", "--wait", "20s", "r", "--channel", "all", "go").Run() == nil {
				return
			}
		}
	}()
	h := &sharedHarm{t: t, data: data, commits: commits, left: harms, all: harms}
	c := &killed{t: t, command: troupe, data: data, scenario: path, harm: h.harm}
	c.end()
	<-begun
	if h.left > 0 {
		t.Errorf("the run was over while %d of %d things were to happen to it", h.left, harms)
	}
	made := readLoad(t, troupe("events", "r").Output)
	if made.last < commits {
		t.Errorf("the tree came to version %d, want %d", made.last, commits)
	}
	if made.conflicts == 0 {
		t.Error("no commit was refused since another came before it")
	}
	for path, n := range made.count {
		text, err := os.ReadFile(filepath.Join(data, "runs", "r", "shared", path))
		if want := fmt.Sprintf("%d\n", n); err != nil || string(text) != want {
			t.Errorf("%s holds %q, want %q: %v", path, text, want, err)
		}
	}
	for i := range agents {
		acknowledgedOnce(t, made, data, fmt.Sprintf("c-%d", i+1))
	}
	if out, err := troupe("verify", "r").CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// A load is what the record says of one.
type load struct {
	last  int               // the newest version
	count map[string]int    // commits by path
	by    map[string]string // agent and path of each version

	conflicts int // records before which some were refused since others came first
}

func readLoad(t *testing.T, events func() ([]byte, error)) *load {
	t.Helper()
	out, err := events()
	if err != nil {
		t.Fatal(err)
	}
	made := &load{count: map[string]int{}, by: map[string]string{}}
	tickets, waiting := map[string]int{}, map[int]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Type, Agent, Lease, Fact string
			Version, Ticket          int
			Files                    []struct{ Path string }
			Paths                    []string
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Type == "commit":
			if e.Version != made.last+1 || len(e.Files) != 1 {
				t.Fatalf("after version %d comes %s", made.last, lines.Bytes())
			}
			made.last = e.Version
			made.count[e.Files[0].Path]++
			made.by[fmt.Sprint(e.Version)] = e.Agent + " " + e.Files[0].Path
		case e.Fact == "conflicts":
			made.conflicts++
		case e.Type == "lease" && e.Lease == "waits":
			waiting[e.Ticket] = e.Paths[0]
		case e.Type == "lease" && e.Lease == "ended":
			delete(waiting, e.Ticket)
		case e.Type == "lease" && e.Lease == "granted":
			delete(waiting, e.Ticket)
			for ticket, path := range waiting {
				if path == e.Paths[0] && ticket < e.Ticket {
					t.Errorf("%s was granted ticket %d while ticket %d waited", path, e.Ticket, ticket)
				}
			}
			if e.Ticket <= tickets[e.Paths[0]] {
				t.Errorf("%s was granted ticket %d after ticket %d", e.Paths[0], e.Ticket, tickets[e.Paths[0]])
			}
			tickets[e.Paths[0]] = e.Ticket
		}
	}
	if len(waiting) > 0 {
		t.Errorf("still waiting are %v", waiting)
	}
	return made
}

// acknowledgedOnce reads an agent's log.
func acknowledgedOnce(t *testing.T, made *load, data, id string) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(data, "runs", "r", "agents", id, "stderr.log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(log), "\n") {
		words := strings.Fields(line)
		switch {
		case strings.Contains(line, "BROKEN"):
			// What an agent asks for while the run is killed comes to nothing.
			if !strings.Contains(line, "the run") && !strings.Contains(line, "EOF") && !strings.Contains(line, "reach the runtime") &&
				!strings.Contains(line, "reset by peer") && !strings.Contains(line, "broken pipe") {
				t.Errorf("%s: %s", id, line)
			}
		case len(words) >= 3 && words[len(words)-3] == "acknowledged":
			path, version := words[len(words)-2], words[len(words)-1]
			if made.by[version] != id+" "+path {
				t.Errorf("%s was told that it has committed version %s of %s, which the record has from %q", id, version, path, made.by[version])
			}
		}
	}
}
