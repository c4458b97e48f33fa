package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// codexStub stands for Codex where a test is about Troupe: it speaks the stream
// of codex exec --json as version 0.169.0 does, and no model is behind it. What it
// does with its prompt is a word of TURNS or TICKS, as for claudeStub; words are
// those of codexTurns, any other is a move. It writes its arguments, its
// environment and its threads into its home.
func codexStub(args []string) int {
	if slices.Equal(args, []string{"--version"}) {
		fmt.Println("codex-cli 0.169.0")
		return 0
	}
	c, err := newCodexStub(args)
	if err == nil {
		err = c.turn()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return c.exit
}

// A codexTurn is one process of the stub: a turn of a thread.
type codexTurn struct {
	thread string
	file   string // of the thread; empty where none is kept
	base   string // where its model would be
	turns  int    // before this one
	exit   int
	unkept bool // the turn's end is not written into the thread
}

var codexBaseURL = regexp.MustCompile(`base_url="([^"]*)"`)

// newCodexStub begins a thread, or goes on with one.
func newCodexStub(args []string) (*codexTurn, error) {
	home := filepath.Join(os.Getenv("HOME"), ".codex")
	dir := filepath.Join(home, "sessions", "2026", "01", "02")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	starts, _ := filepath.Glob(filepath.Join(home, "argv.*"))
	argv := filepath.Join(home, fmt.Sprintf("argv.%d", len(starts)+1))
	for file, lines := range map[string][]string{argv: args, filepath.Join(home, "environ"): os.Environ()} {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	c := &codexTurn{thread: fmt.Sprintf("thread-%s-%d", os.Getenv("TROUPE_AGENT"), len(starts)+1)}
	if m := codexBaseURL.FindStringSubmatch(strings.Join(args, " ")); m != nil {
		c.base = m[1]
	}
	if os.Getenv("OPENAI_API_KEY") == "" || c.base == "" {
		return nil, fmt.Errorf("Missing environment variable: `OPENAI_API_KEY`.")
	}
	if i := slices.Index(args, "resume"); i >= 0 {
		c.thread = args[i+1]
	}
	if !slices.Contains(args, "--ephemeral") {
		c.file = filepath.Join(dir, "rollout-2026-01-02T03-04-05-"+c.thread+".jsonl")
	}
	text, err := os.ReadFile(c.file)
	if err != nil && slices.Contains(args, "resume") {
		return nil, fmt.Errorf("Error: thread/resume failed: no rollout found for thread id %s", c.thread)
	}
	c.turns = strings.Count(string(text), `"task_started"`)
	return c, nil
}

// turn has the turn, once its prompt has ended.
func (c *codexTurn) turn() error {
	prompt, err := io.ReadAll(os.Stdin)
	if err != nil || len(prompt) == 0 {
		return fmt.Errorf("No prompt provided via stdin.")
	}
	word := c.word(string(prompt))
	say(`{"type":"thread.started","thread_id":%q}`, c.thread)
	say(`{"type":"turn.started"}`)
	c.keep(`{"type":"event_msg","payload":{"type":"task_started","turn_id":"turn-%d"}}`, c.turns)
	c.keep(`{"type":"turn_context","payload":{"turn_id":"turn-%d","model":"gpt-stub"}}`, c.turns)
	if do := codexTurns[word]; do != nil {
		do(c)
	} else {
		c.answer(fmt.Sprintf(`I think. {"action":{"move":%q}}`, word))
	}
	return nil
}

// word is what it does with a prompt.
func (c *codexTurn) word(prompt string) string {
	words, at := strings.Fields(os.Getenv("TURNS")), c.turns
	if ticks := strings.Fields(os.Getenv("TICKS")); len(ticks) > 0 {
		words, at = ticks, 0
		if m := messageTick.FindStringSubmatch(prompt); m != nil {
			at, _ = strconv.Atoi(m[1])
		}
	}
	word := "C"
	if len(words) > 0 {
		word = words[min(at, len(words)-1)]
	}
	if first, then, both := strings.Cut(word, ":"); both {
		if word = first; !once(fmt.Sprintf("turn-%d", at)) {
			word = then
		}
	}
	return word
}

// codexTurns are what the stub of Codex may do with a prompt, beside answering
// with a move.
var codexTurns = map[string]func(c *codexTurn){
	"chats":  func(c *codexTurn) { c.answer("A fine day, is it not?") },
	"silent": func(*codexTurn) { time.Sleep(time.Hour) },
	"dies":   func(*codexTurn) { die() },
	// dies-late tells the turn's end, and dies before the thread has it.
	"dies-late": func(c *codexTurn) { c.unkept = true; c.answer(`{"action":{"move":"C"}}`); die() },
	// kept-late has it in the thread, and dies then.
	"kept-late": func(c *codexTurn) { c.answer(`{"action":{"move":"C"}}`); die() },
	// wipes removes its thread at the turn's end.
	"wipes": func(c *codexTurn) { c.answer(`{"action":{"move":"C"}}`); _ = os.Remove(c.file) },
	"thinks": func(c *codexTurn) {
		say(`{"type":"item.started","item":{"id":"item_0","type":"command_execution","command":"cat notes","aggregated_output":"","exit_code":null,"status":"in_progress"}}`)
		say(`{"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"cat notes","aggregated_output":"they defect\n","exit_code":0,"status":"completed"}}`)
		c.answer(`{"action":{"move":"D"}}`)
	},
	// blurts gives its key away wherever it can.
	"blurts": func(c *codexTurn) {
		key := os.Getenv("OPENAI_API_KEY")
		fmt.Fprintln(os.Stderr, "my key is", key)
		say(`{"type":"error","message":%q}`, "my key is "+key)
		c.answer(fmt.Sprintf(`{"action":{"move":"C","key":%q}}`, key))
	},
	"429": func(c *codexTurn) { c.fail("exceeded retry limit, last status: 429 Too Many Requests") },
	"401": func(c *codexTurn) { c.fail("unexpected status 401 Unauthorized: no, url: " + c.base + "/responses") },
	"cut": func(c *codexTurn) {
		c.fail("stream disconnected before completion: stream closed before response.completed")
	},
	"refusal": func(c *codexTurn) { c.end() },
}

// answer is a turn that went well: one request, of which the tool counts 100
// tokens in, 60 of them from the cache, and 20 out.
func (c *codexTurn) answer(text string) {
	quoted, _ := json.Marshal(text)
	say(`{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":%s}}`, quoted)
	c.end()
}

func (c *codexTurn) end() {
	const tokens = `{"input_tokens":%d,"cached_input_tokens":%d,"cache_write_input_tokens":0,"output_tokens":%d,"reasoning_output_tokens":0}`
	if !c.unkept {
		c.keep(`{"type":"token_usage_record","payload":{"turn_id":"turn-%d","turn_token_usage":`+tokens+`}}`, c.turns, 100, 60, 20)
		c.keep(`{"type":"event_msg","payload":{"type":"task_complete","turn_id":"turn-%d","duration_ms":79}}`, c.turns)
	}
	n := c.turns + 1
	if c.file == "" {
		n = 1
	}
	say(`{"type":"turn.completed","usage":`+tokens+`}`, 100*n, 60*n, 20*n)
}

// fail is a turn that no answer came to.
func (c *codexTurn) fail(text string) {
	say(`{"type":"error","message":%q}`, text)
	say(`{"type":"turn.failed","error":{"message":%q}}`, text)
	c.keep(`{"type":"event_msg","payload":{"type":"task_complete","turn_id":"turn-%d","duration_ms":7}}`, c.turns)
	c.exit = 1
}

// keep adds a line to the thread.
func (c *codexTurn) keep(format string, args ...any) {
	if c.file == "" {
		return
	}
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, format+"\n", args...)
		_ = f.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
