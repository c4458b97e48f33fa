package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/workspace"
)

// A site is where the attacks of one test happen: all users may reach it.
type site struct {
	dir      string
	scenario string
}

// nobody is a user that no agent runs as.
const nobody = 65534

func newSite(t *testing.T) site {
	t.Helper()
	s := site{dir: t.TempDir()}
	program, err := exec.LookPath("hostile")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(s.dir), s.dir, filepath.Dir(filepath.Dir(program)), filepath.Dir(program)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := map[string]any{
		"Outside": filepath.Join(s.dir, "outside", "note"), "Shared": filepath.Join(s.dir, "all"), "OtherUser": fmt.Sprint(nobody),
		"SetUser": filepath.Join(s.dir, "tools", "id"), "TCP": s.listen(t), "UDP": 9,
	}
	id, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name string
		mode os.FileMode
		text []byte
	}{{"outside/note", 0o644, []byte("all may read it")}, {"all/.keep", 0o644, nil}, {"tools/id", 0o755, id}, {"v.txt", 0o644, []byte("v")}, {"r.json", 0o644, settings}} {
		path := filepath.Join(s.dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.text, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(s.dir, "all"), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		tool := filepath.Join(s.dir, "tools", "id")
		if err := os.Chown(tool, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(tool, 0o755|os.ModeSetuid); err != nil {
			t.Fatal(err)
		}
	}
	s.scenario = filepath.Join(s.dir, "raid.yaml")
	write(t, s.scenario, `name: raid
seed: 1
clock: {ticks: 1, deadline: 60s}
world: {kind: conversation, config: {rounds: 1}}
agents:
  - {id: victim, command: [hostile, victim, v.txt]}
  - {id: raider, command: [hostile, raider, r.json], readable: [tools]}
`)
	return s
}

// listen opens a port of a process that is no agent.
func (s site) listen(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// raid has the attacks carried out behind a kind of walls, and says of each what
// came of it: by its place in workspace.Attacks, the tries that were not stopped.
func (s site) raid(t *testing.T, isolation string) (through map[string][]string) {
	t.Helper()
	run := "raid-" + isolation
	data := filepath.Join(s.dir, "data")
	troupe := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command("troupe", args...)
		cmd.Env = append(os.Environ(), "TROUPE_DATA="+data)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("troupe %v: %v\n%s%s", args, err, out, said.Bytes())
		}
		return out
	}
	troupe("run", s.scenario, "--name", run, "--set", "isolation="+isolation)
	through = map[string][]string{}
	tries := 0
	for line := range strings.Lines(string(troupe("logs", run, "raider"))) {
		words := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(words) != 4 || words[0] != "attack" {
			t.Errorf("the raider says %q", line)
			continue
		}
		tries++
		if words[3] == "done" {
			through[words[1]] = append(through[words[1]], words[2])
		}
		t.Log(strings.Join(words[1:], " | "))
	}
	if tries != len(attacks) {
		t.Errorf("%d of %d attacks were tried", tries, len(attacks))
	}
	return through
}

// TestAttacks carries out each attack on each tier. One that a tier claims to
// stop gets through by no try, and one that it does not claim to stop by some:
// the table that says so is neither too good nor too bad.
func TestAttacks(t *testing.T) {
	results := map[string]map[string][]string{}
	for _, isolation := range []string{workspace.None, "uid", "landlock", workspace.Auto} {
		t.Run(isolation, func(t *testing.T) {
			s := newSite(t)
			achieved, err := workspace.Survey(isolation, &workspace.Site{Data: filepath.Join(s.dir, "data")})
			if err != nil {
				s.refused(t, isolation, achieved)
				return
			}
			through := s.raid(t, isolation)
			for _, a := range workspace.Attacks {
				if a.Name == setUser && os.Geteuid() != 0 {
					continue // there is no program of another user's to try
				}
				tries := tried(a.Name)
				switch got := through[a.Name]; {
				case len(tries) == 0:
					t.Errorf("nobody tries to %s", a.Name)
				case a.Stopped(achieved.Tiers, achieved.LandlockABI) && len(got) > 0:
					t.Errorf("%s is to stop who would %s: got through by %q", isolation, a.Name, got)
				case !a.Stopped(achieved.Tiers, achieved.LandlockABI) && len(got) == 0:
					t.Errorf("%s stops who would %s, and does not claim to", isolation, a.Name)
				}
			}
			if !slices.Equal(achieved.Tiers, combinedTiers) || achieved.LandlockABI >= 6 {
				results[isolation] = through
			}
		})
	}
	if len(results) == 4 && os.Geteuid() == 0 {
		checkReadme(t, attackTable(results))
	}
}

// combinedTiers are those of auto where all can be had.
var combinedTiers = []string{"uid", "landlock"}

// refused has a run refused whose walls cannot be had here.
func (s site) refused(t *testing.T, isolation string, a workspace.Achieved) {
	t.Helper()
	cmd := exec.Command("troupe", "run", s.scenario, "--set", "isolation="+isolation)
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+filepath.Join(s.dir, "data"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), a.Missing[isolation]) {
		t.Errorf("got %v, %s; want that it says: %s", err, out, a.Missing[isolation])
	}
}

func tried(name string) (tries []string) {
	for _, a := range attacks {
		if a.of == name {
			tries = append(tries, a.name)
		}
	}
	return tries
}

// Where the table is in the README.
const (
	tableBegins = "<!-- attacks: written by UPDATE_README=1 go test ./cmd/troupe -run TestAttacks -->\n"
	tableEnds   = "<!-- end of attacks -->\n"
)

// attackTable is which tier stops what, as it was found.
func attackTable(results map[string]map[string][]string) string {
	columns := []string{workspace.None, "uid", "landlock", workspace.Auto}
	var b strings.Builder
	b.WriteString("| an agent tries to | `none` | `uid` | `landlock` | both |\n|---|---|---|---|---|\n")
	for _, a := range workspace.Attacks {
		b.WriteString("| " + a.Name + " |")
		for _, c := range columns {
			if len(results[c][a.Name]) == 0 {
				b.WriteString(" stopped |")
			} else {
				b.WriteString(" – |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// checkReadme holds a table against the README's, or writes it there.
func checkReadme(t *testing.T, table string) {
	t.Helper()
	const path = "../../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	old, after, ended := strings.Cut(rest, tableEnds)
	switch {
	case !ok || !ended:
		t.Errorf("the README has no table of attacks:\n%s", table)
	case old == table:
	case os.Getenv("UPDATE_README") != "":
		if err := os.WriteFile(path, []byte(before+tableBegins+table+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README's table of attacks is not what was found; UPDATE_README=1 writes it:\n%s", table)
	}
}
