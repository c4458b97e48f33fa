//go:build e2e

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A host is a troupe serve with a page, in a directory of its own.
type host struct {
	*testing.T
	binary string
	dir    string
	addr   string // where it listens, the same each time
	cmd    *exec.Cmd
	ended  chan struct{}
}

// pageScenarios are those that the pages of tests show.
var pageScenarios = map[string]string{
	"cells.yaml": `# Cells that imitate the best of their neighbours.
name: cells
clock: {ticks: 150, deadline: 60s}
world:
  kind: grid-game
  config: {width: 30, height: 30, self: true, moves: [C, D], payoffs: {CC: 1, CD: 0, DC: 1.85, DD: 0}, initial: {all: C, cells: [{x: 15, y: 15, move: D}]}, count: {cooperators: C}}
agents:
  - {id: "cell-{n}", replicas: 900, per_process: 900, command: [troupe, bot, cell]}
collect: [cooperators]
`,
	"game.yaml": `name: game
clock: {deadline: 60s}
world: {kind: matrix-game, config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 30}}
agents:
  - {id: alice, command: [troupe, bot, grudger]}
  - {id: tit-for-tat, command: [troupe, bot, tit-for-tat]}
  - {id: defector, command: [troupe, bot, defector]}
collect: [C, D]
`,
	"talk.yaml": `name: talk
clock: {deadline: 60s}
world: {kind: conversation, config: {rounds: 500}}
agents:
  - {id: "{name}", for_each: [{name: ann}, {name: bob}, {name: cleo}], command: [troupe, bot, rumour], config: {knows: true, peers: [ann, bob, cleo], channel: inn}}
channels: {inn: {members: ["*"]}}
`,
	"parrots.yaml": `name: parrots
clock: {mode: realtime}
agents:
  - {id: polly, command: [python3, parrot.py]}
`,
	"models.yaml": `name: models
clock: {deadline: 60s}
world: {kind: matrix-game, config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 3}}
agents:
  - {id: alice, kind: claude, gateway: bypass, env: {TICKS: C thinks C}, system: {text: "You are {{.agent.id}}."}}
  - {id: bob, command: [troupe, bot, grudger]}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
limits: {usd: 10}
`,
	"shop.yaml": `name: shop
clock: {deadline: 60s}
world: {kind: conversation, config: {rounds: 5}}
agents:
  - {id: builder, command: [troupe, bot, builder], serves: true, config: {title: The shop}}
  - {id: customer, command: [troupe, bot, customer], config: {of: builder, wishes: [a map, opening hours]}}
`,
	"parrot.py": `import json, sys
for line in sys.stdin:
    m = json.loads(line)
    say = {"agent": m["agent"]}
    if m["type"] == "init":
        print(json.dumps(say | {"type": "ready"}), flush=True)
    elif m["type"] == "observe":
        send = [{"to": x["from"], "body": "<b>you said</b> " + x["body"]} for x in m["messages"]]
        print(json.dumps(say | {"type": "act", "tick": m["tick"], "action": None, "send": send}), flush=True)
`,
}

func newHost(t *testing.T, binary string) *host {
	t.Helper()
	h := &host{T: t, binary: binary, dir: t.TempDir(), addr: "127.0.0.1:0"}
	if err := os.Mkdir(filepath.Join(h.dir, "scenarios"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range pageScenarios {
		write(t, filepath.Join(h.dir, "scenarios", name), text)
	}
	h.start()
	t.Cleanup(func() { h.stop(syscall.SIGTERM) })
	return h
}

// hostPatience is how long a command may take that uses the host: much longer than it
// does.
const hostPatience = 5 * time.Minute

// command is one in the host's directory.
func (h *host) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.binary, args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+filepath.Join(h.dir, "data"), "ANTHROPIC_API_KEY=for the stub")
	return cmd
}

func (h *host) start() {
	h.Helper()
	h.cmd = h.command(context.Background(), "serve", "--listen", h.addr, "--scenarios", "scenarios", "--log", "json", "--at-once", "0")
	errs, err := h.cmd.StderrPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		h.Fatal(err)
	}
	said, listens := bufio.NewReader(errs), ""
	var all strings.Builder
	for listens == "" {
		line, err := said.ReadString('\n')
		all.WriteString(line)
		var l struct{ Listen string }
		if json.Unmarshal([]byte(line), &l) == nil {
			listens = l.Listen
		}
		if err != nil {
			h.Fatalf("serve does not serve: %v\n%s", err, all.String())
		}
	}
	h.addr = listens
	cmd, ended := h.cmd, make(chan struct{})
	h.ended = ended
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, said)
		_ = cmd.Wait() // it ends by a signal
	}()
}

// stop ends the supervisor by a signal, and waits.
func (h *host) stop(s syscall.Signal) {
	h.Helper()
	if h.ended == nil {
		return
	}
	if err := h.cmd.Process.Signal(s); err != nil {
		h.Error(err)
	}
	select {
	case <-h.ended:
	case <-time.After(time.Minute):
		_ = h.cmd.Process.Kill()
		h.Error("serve does not end")
	}
	h.ended = nil
	if left := processesIn(filepath.Join(h.dir, "data"), 10*time.Second); s != syscall.SIGKILL && len(left) > 0 {
		h.Errorf("there are still %v", left)
	}
}

// link leads to the page, with the token of who may do all.
func (h *host) link() string {
	h.Helper()
	return "http://" + h.addr + "/#token=" + h.token("control")
}

// token is what proves a role.
func (h *host) token(role string) string {
	h.Helper()
	token, err := os.ReadFile(filepath.Join(h.dir, "data", "tokens", role))
	if err != nil {
		h.Fatal(err)
	}
	return strings.TrimSpace(string(token))
}

// run plays a scenario to its end, or until it is stopped.
func (h *host) run(args ...string) {
	h.Helper()
	h.does(append([]string{"run"}, args...)...)
}

// end stops a run.
func (h *host) end(run string) {
	h.Helper()
	h.does("stop", run)
}

// does has a command come to its end.
func (h *host) does(args ...string) {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), hostPatience)
	defer cancel()
	if out, err := h.command(ctx, args...).CombinedOutput(); err != nil {
		h.Fatalf("troupe %v: %v (%v)\n%s", args, err, ctx.Err(), out)
	}
}
