//go:build e2e

package modeltest_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// A claude is the real Claude Code, in a conversation.
type claude struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// A line is one that Claude Code prints.
type line struct {
	Type, Subtype string
	Message       struct{ Content json.RawMessage }

	// of a result
	Result    string
	Failed    bool   `json:"is_error"`
	APIStatus int    `json:"api_error_status"`
	Stop      string `json:"stop_reason"`
	Usage     usage
}

// startClaude starts Claude Code in folders of its own, with the model's key.
func startClaude(t *testing.T, model *modeltest.Server, key string) *claude {
	t.Helper()
	path, err := exec.LookPath("claude")
	if err != nil {
		t.Fatalf("%v: this test drives Claude Code, of the npm package @anthropic-ai/claude-code", err)
	}
	c := &claude{cmd: exec.CommandContext(t.Context(), path, "-p", "--verbose", "--model", "sonnet", "--allowedTools", "Bash",
		"--input-format", "stream-json", "--output-format", "stream-json")}
	c.cmd.Dir, c.cmd.WaitDelay, c.cmd.Stderr = t.TempDir(), 5*time.Second, os.Stderr
	c.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"ANTHROPIC_BASE_URL=" + model.URL, "ANTHROPIC_API_KEY=" + key,
		"DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "CLAUDE_CODE_MAX_RETRIES=1",
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	c.out.Buffer(nil, 64<<20)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// say tells Claude Code a text and gives its lines up to the result.
func (c *claude) say(t *testing.T, text string) []line {
	t.Helper()
	if err := json.NewEncoder(c.in).Encode(map[string]any{"type": "user", "message": turn("user", text)}); err != nil {
		t.Fatal(err)
	}
	var all []line
	for c.out.Scan() {
		var l line
		if err := json.Unmarshal(c.out.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", c.out.Bytes(), err)
		}
		all = append(all, l)
		if l.Type == "result" {
			return all
		}
	}
	t.Fatalf("it ended without a result: %v", c.out.Err())
	return nil
}

// end lets it end by itself, and waits until it has.
func (c *claude) end(t *testing.T) {
	t.Helper()
	if err := c.in.Close(); err != nil {
		t.Error(err)
	}
	for c.out.Scan() {
		t.Logf("after all: %s", c.out.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// spoken joins what lines of a type have in their content.
func spoken(all []line, kind string) string {
	var s strings.Builder
	for _, l := range all {
		if l.Type == kind {
			s.Write(l.Message.Content)
		}
	}
	return s.String()
}

// toClaude answers what is said below.
func toClaude() modeltest.Script {
	all := modeltest.Say("unforeseen")
	for text, script := range map[string]modeltest.Script{
		"greet":  modeltest.Say("hello"),
		"think":  modeltest.Always(modeltest.Reply{Thinking: "a long and hard thought", Text: "thought"}),
		"refuse": modeltest.Always(modeltest.Reply{StopReason: "refusal"}),
		"hurry":  modeltest.Always(modeltest.Reply{Status: 429, Text: "slow down", RetryAfter: time.Second}),
		"wait":   modeltest.Always(modeltest.Reply{Text: "late", Delay: time.Second, Pause: 10 * time.Millisecond}),
		"run": modeltest.Call("Bash", map[string]string{"command": "echo $((6 * 7))", "description": "compute"},
			func(r *modeltest.Request) modeltest.Reply {
				return modeltest.Reply{Text: "it says " + r.Results()[0].Text, Usage: modeltest.Usage{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4}}
			}),
	} {
		all = modeltest.When(modeltest.Hears(text), script, all)
	}
	return all
}

// One conversation with the real Claude Code, whose model is the stand-in.
func TestE2EClaude(t *testing.T) {
	model := start(t, toClaude())
	c := startClaude(t, model, "a-key")
	result := func(text string) (line, []line) {
		all := c.say(t, text)
		return all[len(all)-1], all
	}
	if r, _ := result("greet me"); r.Subtype != "success" || r.Failed || r.Result != "hello" || r.Stop != "end_turn" || r.Usage != (usage{Input: 100, Output: 20}) {
		t.Errorf("text: %+v", r)
	}
	if r, all := result("think it over"); r.Result != "thought" || !strings.Contains(spoken(all, "assistant"), "a long and hard thought") {
		t.Errorf("thinking: %+v after %s", r, spoken(all, "assistant"))
	}
	r, all := result("run it")
	if r.Result != "it says 42" || r.Usage != (usage{101, 22, 3, 4}) {
		t.Errorf("tool: %+v", r)
	}
	if !strings.Contains(spoken(all, "assistant"), `"name":"Bash"`) || !strings.Contains(spoken(all, "user"), `"content":"42"`) {
		t.Errorf("tool: said %s and got %s", spoken(all, "assistant"), spoken(all, "user"))
	}
	if r, _ := result("hurry up"); !r.Failed || r.APIStatus != 429 || !strings.Contains(r.Result, "slow down") {
		t.Errorf("429: %+v", r)
	}
	if r, _ := result("refuse this"); !r.Failed || r.Stop != "refusal" {
		t.Errorf("refusal: %+v", r)
	}
	began := time.Now()
	if r, _ := result("wait for it"); r.Failed || r.Result != "late" || time.Since(began) < time.Second {
		t.Errorf("delay: %+v after %v", r, time.Since(began))
	}
	c.end(t)
	checkRequests(t, model)
}

// checkRequests looks at what Claude Code asked in that conversation.
func checkRequests(t *testing.T, model *modeltest.Server) {
	t.Helper()
	if got := model.Keys(); !reflect.DeepEqual(got, []string{"a-key"}) {
		t.Errorf("it came with the keys %v", got)
	}
	if got := model.Strays(); len(got) > 0 {
		t.Errorf("it strayed: %v", got)
	}
	// A failed attempt is repeated once, and so is what was refused.
	want := []string{"0 greet me", "1 think it over", "2 run it", "2 run it", "3 hurry up", "3 hurry up", "4 refuse this", "4 refuse this", "5 wait for it"}
	var got []string
	for _, r := range model.Requests() {
		got = append(got, string(rune('0'+r.Turn()))+" "+r.LastUser())
		if !r.Stream || r.Session == "" || r.Session != model.Requests()[0].Session || r.System == "" || len(r.Tools) == 0 {
			t.Errorf("request %d streams %t in session %q, with tools %v", r.N, r.Stream, r.Session, r.Tools)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it asked %q, want %q", got, want)
	}
}
