//go:build e2e

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// toolsmiths are two models that do everything by tools: what they answer is no
// action.
const toolsmiths = `name: tools
seed: 3
clock: {deadline: 3m}
limits: {usd: 10}
gateway: {anthropic: {url: "$MODEL"}}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
world: {kind: conversation, config: {rounds: 3}}
shared: {from: tree}
agents:
  - id: "{name}"
    for_each: [{name: ann}, {name: bob}]
    kind: claude
    model: haiku
    system: {text: "` + player + `"}
    flags: [--tools, "ReadMcpResourceTool"]
    allowed_tools: [ReadMcpResourceTool, mcp__own]
    settings: {env: {FROM_SETTINGS: "yes"}}
    mcp: {own: {command: "$TROUPE", args: [mcp], env: {OWN: "yes"}}}
`

// A toolTurn is what a model does in a tick, one request after another.
func toolTurn(r *modeltest.Request) []modeltest.ToolUse {
	who, other := playerOf(r), "ann"
	if who == other {
		other = "bob"
	}
	act := func(move string) modeltest.ToolUse {
		return modeltest.ToolUse{Name: "mcp__troupe__act", Input: map[string]any{"action": map[string]any{"move": move}}}
	}
	call := func(tool string, input any) modeltest.ToolUse {
		return modeltest.ToolUse{Name: "mcp__troupe__" + tool, Input: input}
	}
	board := map[string]any{"paths": []string{"board.md"}}
	switch tickOf(r) {
	case 0:
		return []modeltest.ToolUse{call("list_agents", nil), call("observe", nil),
			call("send_message", map[string]any{"to": other, "body": map[string]any{"from": who}}), act("never"), act("first")}
	case 1:
		return []modeltest.ToolUse{call("read_messages", nil), call("checkout", board),
			{Name: "ReadMcpResourceTool", Input: map[string]any{"server": "troupe", "uri": "troupe://brief"}},
			{Name: "ReadMcpResourceTool", Input: map[string]any{"server": "troupe", "uri": "troupe://tree/board.md"}},
			{Name: "mcp__own__list_agents"}, act("second")}
	}
	return []modeltest.ToolUse{call("lock", board), call("unlock", board), call("commit", board), act("third")}
}

// toolsmith calls the tools of its turn one by one, and then says something.
func toolsmith(r *modeltest.Request) modeltest.Reply {
	turn := toolTurn(r)
	if done := callsSince(r); done < len(turn) {
		return modeltest.Reply{Tools: turn[done : done+1]}
	}
	return modeltest.Reply{Text: "I have done what I could."}
}

// callsSince counts the results of tools since the user has said something.
func callsSince(r *modeltest.Request) int {
	n := 0
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			switch {
			case b.Type == "tool_result":
				n++
			case m.Role == "user" && b.Type == "text" && strings.HasPrefix(b.Text, "Tick "):
				n = 0
			}
		}
	}
	return n
}

func newToolRun(t *testing.T, script func(c *claudeRun) modeltest.Script) *claudeRun {
	t.Helper()
	own, err := exec.LookPath("troupe")
	if err != nil {
		t.Fatal(err)
	}
	c := startClaudeRun(t, strings.ReplaceAll(toolsmiths, "$TROUPE", own), script)
	if err := os.Mkdir(filepath.Join(c.dir, "tree"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.write(t, "tree/board.md", "A board.\n")
	return c
}

// The real Claude Code does all that an agent can do by the tools of troupe mcp, and
// what it hands in by act is its action.
func TestE2EClaudeTools(t *testing.T) {
	t.Parallel()
	c := newToolRun(t, func(*claudeRun) modeltest.Script { return toolsmith })
	got := c.play(t)
	if got.Outcomes["action"] != 6 || got.Timed != 0 {
		t.Fatalf("it came to %+v", got)
	}
	for _, e := range c.events(t) {
		if want := []string{`{"move":"first"}`, `{"move":"second"}`, `{"move":"third"}`}; e.Type == "outcome" && string(e.Action) != want[e.Tick] {
			t.Errorf("tick %d: %s did %s", e.Tick, e.Agent, e.Action)
		}
	}
	c.checkToolResults(t)
	asked := len(c.model.Requests())
	if out := c.troupe(t, 0, "verify", "r", "--execute"); !strings.Contains(out, "no difference") {
		t.Errorf("executed again: %s", out)
	}
	if n := len(c.model.Requests()); n != asked {
		t.Errorf("executed again, the model was asked %d times", n-asked)
	}
	killedTools(t, got)
}

// checkToolResults looks at what the tools have said to a model, and at what tools it
// was shown.
func (c *claudeRun) checkToolResults(t *testing.T) {
	t.Helper()
	said := ""
	for _, r := range c.model.Requests() {
		if playerOf(r) != "ann" {
			continue
		}
		for _, tool := range []string{"act", "checkout", "commit", "list_agents", "lock", "observe", "read_messages", "send_message", "unlock"} {
			if !slices.Contains(r.Tools, "mcp__troupe__"+tool) {
				t.Errorf("a request shows the tools %q, without %s", r.Tools, tool)
			}
		}
		for _, b := range r.Results() {
			said += b.Text + "\n"
		}
	}
	for _, want := range []string{
		`["ann","bob"]`, `{"type":"observe","agent":"ann","tick":0,`, "Sent as request 1: decided when tick 0 ends.",
		"Taken as your action in tick 0. End your turn now.", `[{"from":"bob","body":{"from":"bob"}}]`, "Checked out 1 files of version 0.",
		"You are the agent ann in the scenario tools.", "A board.", "Asked for as request 1: decided when tick 2 ends.", "Nothing to commit",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the tools never said %s, but:\n%s", want, said)
		}
	}
}

// killedTools plays the same again. Killed between what it handed in and its answer, an
// agent hands it in again: the run comes to the same.
func killedTools(t *testing.T, want jsonResult) {
	t.Helper()
	killed := map[int]bool{}
	c := newToolRun(t, func(own *claudeRun) modeltest.Script {
		return func(r *modeltest.Request) modeltest.Reply {
			// Only one of the two is killed, and it asks for one thing after another.
			if tick := tickOf(r); playerOf(r) == "bob" && !killed[tick] && callsSince(r) == len(toolTurn(r)) {
				killed[tick] = true
				own.signal(t, "bob", syscall.SIGKILL)
			}
			return toolsmith(r)
		}
	})
	got := c.play(t)
	if got.Hash != want.Hash || got.Timed != 0 {
		t.Errorf("killed, it came to %+v\nwant %+v", got, want)
	}
	crashes := 0
	for _, e := range c.events(t) {
		if e.Fact == "crashed" {
			crashes++
		}
	}
	if crashes != got.Ticks {
		t.Errorf("%d crashes are on record", crashes)
	}
}
