package main

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/workspace"
)

// A site is where the attacks of one test happen: all users may reach it.
type site struct {
	dir  string
	port int    // of a process that is no agent
	env  string // of agents, as YAML
}

// nobody is a user that no agent runs as.
const nobody = 65534

// raiders are the hostile agents, by the language that they are written in: what
// the scenario says of them.
var raiders = map[string]string{
	"go": "command: [hostile, raider, r.txt]",
	"sh": "command: [sh, raider.sh]",
}

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
	id, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(s.dir, os.DirFS("testdata/attacks")); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name string
		mode os.FileMode
		text []byte
	}{
		{"outside/note", 0o644, []byte("all may read it")}, {"all/.keep", 0o644, nil}, {"tools/id", 0o755, id},
		{"v.txt", 0o644, []byte("v")}, {"r.txt", 0o644, []byte("r")}, {"template/begun", 0o644, nil},
		{"tree/" + guarded, 0o644, []byte("the victim alone may read it")}, {"tree/" + astray, 0o644, []byte("astray")},
		{"tree/" + fixed, 0o644, []byte("the victim alone may write it")}, {"tree/" + leased, 0o644, []byte("first")},
	} {
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
	s.port = s.listen(t)
	s.env = fmt.Sprintf(`OUTSIDE: %q, COMMON: %q, SET_USER: %q, OTHER_USER: "%d", PORT: "%d", UDP: "9"`,
		filepath.Join(s.dir, "outside", "note"), filepath.Join(s.dir, "all"), filepath.Join(s.dir, "tools", "id"), nobody, s.port)
	return s
}

// scenario is of a raid by one of raiders, with a gate of its own.
func (s site) scenario(t *testing.T, by string) string {
	t.Helper()
	g := openGate(t)
	path := filepath.Join(s.dir, by+".yaml")
	write(t, path, fmt.Sprintf(`name: raid
seed: 1
clock: {ticks: %d, deadline: 60s}
world: {kind: conversation, config: {rounds: %[1]d}}
shared:
  from: tree
  paths:
    guarded: {read: [victim], write: [victim]}
    fixed: {write: [victim]}
channels: {den: {members: [mark]}}
agents:
  - {id: victim, command: [hostile, victim, v.txt], network: [%[2]d, "127.0.0.1:%[5]d"], env: {GATE: "%[2]d"}}
  - {id: raider, %[3]s, readable: [tools], network: [%[2]d, example.org], env: {GATE: "%[2]d", %[4]s}, workspace: {from: template}}
  - {id: thief, command: [hostile, thief], state: none, network: [%[2]d], env: {GATE: "%[2]d"}}
  - {id: mark, kind: nats, command: [natsbot, plain]}
  - {id: spy, kind: nats, command: [natsbot, raids]}
`, lastTick+1, g.port, raiders[by], s.env, s.port))
	return path
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

// A spoil is what came of the attacks of one kind: the tries that were made, and
// of them those that were not stopped.
type spoil struct{ tried, through []string }

// spoils are by the names of workspace.Attacks.
type spoils map[string]spoil

func (all spoils) add(of, name string, done bool) {
	x := all[of]
	x.tried = append(x.tried, name)
	if done {
		x.through = append(x.through, name)
	}
	all[of] = x
}

// raid has the attacks carried out behind a kind of walls, and says of each what
// came of it.
func (s site) raid(t *testing.T, isolation, by string) spoils {
	t.Helper()
	run := by + "-" + isolation
	s.troupe(t, "run", s.scenario(t, by), "--name", run, "--listen", "127.0.0.1:0", "--set", "isolation="+isolation)
	all := spoils{}
	for _, agent := range []string{"raider", "thief", "spy"} {
		log, err := os.ReadFile(filepath.Join(s.dir, "data", "runs", run, "agents", agent, "stderr.log"))
		if err != nil {
			t.Error(err)
		}
		all.read(t, by+" "+agent, string(log))
	}
	return all
}

// openTerminal makes a terminal, which is there until the test has ended.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return terminal
}

// troupe runs a command on the site's data from a terminal of its own, and gives
// what it prints.
func (s site) troupe(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("troupe", args...)
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+filepath.Join(s.dir, "data"))
	terminal := openTerminal(t)
	defer func() { _ = terminal.Close() }()
	cmd.Stdin, cmd.SysProcAttr = terminal, &syscall.SysProcAttr{Setsid: true, Setctty: true}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("troupe %v: %v\n%s%s", args, err, out, said.Bytes())
	}
	return string(out)
}

// read takes in an agent's log.
func (all spoils) read(t *testing.T, who, log string) {
	t.Helper()
	tries, over := 0, "nothing"
	for line := range strings.Lines(log) {
		words := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case len(words) == 4 && words[0] == "attack":
			tries++
			all.add(words[1], words[2], words[3] == "done")
		case len(words) == 4 && words[0] == "left":
			tries++
			all.add(words[1], words[2], lives(words[3]))
		case len(words) == 2 && words[0] == "over":
			over = words[1]
		default:
			continue
		}
		t.Log(who + ": " + strings.Join(words[1:], " | "))
	}
	if fmt.Sprint(tries) != over {
		t.Errorf("%s has told of %d attacks, and says that it has tried %s", who, tries, over)
	}
}

// lives says whether there is a process with a word in its command, and kills it.
func lives(word string) (found bool) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("\x00"+word+"\x00")) {
			continue
		}
		found = true
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return found
}

// TestAttacks carries out each attack on each tier. One that a tier claims to
// stop gets through by no try, and one that it does not claim to stop by some:
// the table that says so is neither too good nor too bad.
func TestAttacks(t *testing.T) {
	results := map[string]spoils{}
	for _, isolation := range []string{workspace.None, "uid", "landlock", workspace.Auto} {
		t.Run(isolation, func(t *testing.T) {
			s := newSite(t)
			achieved, err := workspace.Survey(isolation, &workspace.Site{Data: filepath.Join(s.dir, "data")})
			if err != nil {
				s.refused(t, isolation, achieved)
				return
			}
			all := spoils{}
			for _, by := range slices.Sorted(maps.Keys(raiders)) {
				t.Run(by, func(t *testing.T) {
					got := s.raid(t, isolation, by)
					got.check(t, achieved)
					maps.Copy(all, got)
				})
			}
			t.Run("floods", func(t *testing.T) {
				got := s.flood(t, isolation)
				got.check(t, achieved)
				maps.Copy(all, got)
			})
			all.whole(t)
			if !slices.Equal(achieved.Tiers, combinedTiers) || achieved.LandlockABI >= workspace.WholeLandlock {
				results[isolation] = all
			}
		})
	}
	if len(results) == 4 && os.Geteuid() == 0 {
		checkReadme(t, attackTable(results))
	}
}

// check holds what came of attacks against what is claimed.
func (all spoils) check(t *testing.T, achieved workspace.Achieved) {
	t.Helper()
	for _, a := range workspace.Attacks {
		got, stopped := all[a.Name], a.Stopped(achieved.Tiers, achieved.LandlockABI)
		switch {
		case len(got.tried) == 0, a.Name == setUser && os.Geteuid() != 0: // there is no program of another user's
		case stopped && len(got.through) > 0:
			t.Errorf("%s is to stop who would %s: got through by %q", achieved, a.Name, got.through)
		case !stopped && len(got.through) == 0:
			t.Errorf("%s stops who would %s, and does not claim to", achieved, a.Name)
		case !stopped && len(achieved.Tiers) == 0 && len(got.through) < len(got.tried):
			// What nothing is there to stop shows nothing where it is stopped.
			t.Errorf("who would %s is stopped without walls, but for %q of %q", a.Name, got.through, got.tried)
		}
	}
	for name := range all {
		if slices.ContainsFunc(workspace.Attacks, func(a workspace.Attack) bool { return a.Name == name }) {
			continue
		}
		t.Errorf("workspace.Attacks has nothing that is named %q", name)
	}
}

// whole finds what nobody has tried.
func (all spoils) whole(t *testing.T) {
	t.Helper()
	for _, a := range workspace.Attacks {
		if len(all[a.Name].tried) == 0 {
			t.Errorf("nobody tries to %s", a.Name)
		}
	}
}

// combinedTiers are those of auto where all can be had.
var combinedTiers = []string{"uid", "landlock"}

// refused has a run refused whose walls cannot be had here.
func (s site) refused(t *testing.T, isolation string, a workspace.Achieved) {
	t.Helper()
	cmd := exec.Command("troupe", "run", s.scenario(t, "go"), "--set", "isolation="+isolation)
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+filepath.Join(s.dir, "data"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), a.Missing[isolation]) {
		t.Errorf("got %v, %s; want that it says: %s", err, out, a.Missing[isolation])
	}
}

// Where the table is in the README.
const (
	tableBegins = "<!-- attacks: written by UPDATE_README=1 go test ./cmd/troupe -run TestAttacks -->\n"
	tableEnds   = "<!-- end of attacks -->\n"
)

// attackTable is which tier stops what, as it was found.
func attackTable(results map[string]spoils) string {
	columns := []string{workspace.None, "uid", "landlock", workspace.Auto}
	var b strings.Builder
	b.WriteString("| an agent tries to | `none` | `uid` | `landlock` | both |\n|---|---|---|---|---|\n")
	for _, a := range workspace.Attacks {
		b.WriteString("| " + a.Name + " |")
		for _, c := range columns {
			if len(results[c][a.Name].through) == 0 {
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
