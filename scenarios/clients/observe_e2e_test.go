//go:build e2e

package clients_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// followed is played by those who are followed.
const followed = `name: followed
world: {kind: conversation, config: {rounds: 200}}
agents:
  - {id: ann, command: [troupe, bot, rumour], config: {knows: true, peers: [bob]}}
  - {id: bob, command: [troupe, bot, rumour], config: {peers: [ann]}}
`

// A house is a supervisor at work in a directory.
type house struct {
	t        *testing.T
	bin, dir string
}

func serve(t *testing.T) *house {
	t.Helper()
	h := &house{t, build(t), t.TempDir()}
	if err := os.WriteFile(filepath.Join(h.dir, "followed.yaml"), []byte(followed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := h.command(h.bin, "serve", "--log", "json")
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines, serving := bufio.NewScanner(said), false
	for !serving && lines.Scan() {
		serving = strings.Contains(lines.Text(), `"msg":"serving"`)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, said)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if !serving {
		t.Fatal("it does not serve")
	}
	return h
}

func (h *house) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = h.dir, append(os.Environ(), "TROUPE_DATA="+filepath.Join(h.dir, "data"))
	return cmd
}

func (h *house) troupe(args ...string) string {
	h.t.Helper()
	var errs bytes.Buffer
	cmd := h.command(h.bin, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("troupe %v: %v\n%s%s", args, err, out, errs.Bytes())
	}
	return string(out)
}

// begin has a run made that is paused before its first tick.
func (h *house) begin(run string) {
	h.t.Helper()
	body := fmt.Sprintf(`{"path": %q, "name": %q, "paused": true}`, filepath.Join(h.dir, "followed.yaml"), run)
	out, err := h.command("curl", "-sSf", "--unix-socket", filepath.Join(h.dir, "data", "control.sock"),
		"-X", "POST", "-d", body, "http://troupe/v1/runs").CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
}

var tickHash = regexp.MustCompile(`"tick":(\d+),"(?:type":"tick",")?hash":"([0-9a-f]+)"`)

// ticks are the numbers of the ticks in a text, with their hashes.
func ticks(text string, is func(line string) bool) (all []string) {
	for line := range strings.Lines(text) {
		if found := tickHash.FindStringSubmatch(line); found != nil && is(line) {
			all = append(all, found[1]+" "+found[2])
		}
	}
	return all
}

// The programs that troupe observe prints follow a run from outside as they are,
// with the official clients, and see every tick.
func TestE2EObservers(t *testing.T) {
	modules := os.Getenv("TROUPE_NATS_JS")
	if modules == "" {
		t.Fatal("TROUPE_NATS_JS names no node_modules with the client for JavaScript: .ci/run installs it")
	}
	h := serve(t)
	if err := os.CopyFS(filepath.Join(h.dir, "node_modules"), os.DirFS(modules)); err != nil {
		t.Fatal(err)
	}
	for lang, start := range map[string]func(program string) *exec.Cmd{
		"javascript": func(program string) *exec.Cmd {
			h.write("follow.mjs", program)
			return h.command("node", "follow.mjs")
		},
		"go": func(program string) *exec.Cmd {
			h.write("follow.go", program)
			build := exec.Command("go", "build", "-o", filepath.Join(h.dir, "follow"), filepath.Join(h.dir, "follow.go"))
			if out, err := build.CombinedOutput(); err != nil { // in this module, which has the client
				t.Fatalf("%v\n%s\n%s", err, out, program)
			}
			return h.command("./follow")
		},
	} {
		t.Run(lang, func(t *testing.T) { h.follow(t, lang, start) })
	}
	h.begin("snake")
	h.write("follow.py", h.troupe("observe", "snake", "--wait", "30s", "--lang", "python"))
	if out, err := h.command("python3", "-m", "py_compile", "follow.py").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func (h *house) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// follow has a program follow a run, and looks at what it has seen.
func (h *house) follow(t *testing.T, lang string, start func(program string) *exec.Cmd) {
	run := "by-" + lang
	h.begin(run)
	cmd := start(h.troupe("observe", run, "--wait", "30s", "--lang", lang))
	var seen bytes.Buffer
	cmd.Stdout = &seen
	errs, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(errs)
	if line, err := said.ReadString('\n'); line != "subscribed\n" {
		rest, _ := io.ReadAll(said)
		_ = cmd.Wait()
		t.Fatalf("it does not subscribe: %v\n%s%s", err, line, rest)
	}
	h.troupe("resume", run)
	rest, _ := io.ReadAll(said)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, rest)
	}
	got := ticks(seen.String(), func(line string) bool { return strings.HasPrefix(line, "troupe."+run+".tick ") })
	want := ticks(h.troupe("events", run), func(line string) bool { return strings.Contains(line, `"type":"tick"`) })
	if len(want) != 200 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("it has seen %d ticks, and there were %d\n%.2000s", len(got), len(want), seen.String())
	}
	if n := strings.Count(seen.String(), "troupe."+run+".msg.ann.bob "); n != 200 {
		t.Errorf("it has seen %d messages of ann's", n)
	}
}
