package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// claudeTurns are what the stub of Claude Code may do with a message, beside
// answering with a move.
var claudeTurns = map[string]func(c *stubSession){
	"nonsense": func(c *stubSession) { c.answer("I would rather not say {yet.") },
	"chats":    func(c *stubSession) { c.answer("A fine day, is it not?") },
	// quotes answers with the message itself, to show what it was told.
	"quotes": func(c *stubSession) {
		text, _ := json.Marshal(map[string]string{"told": c.Messages[len(c.Messages)-1]})
		c.answer(string(text))
	},
	"tells":  func(c *stubSession) { c.answer(`{"action":{"move":"C"},"send":[{"channel":"square","body":"psst"}]}`) },
	"leaves": func(c *stubSession) { c.answer(`{"action":{"move":"C"},"done":true}`) },
	"thinks": func(c *stubSession) {
		c.assistant(`{"type":"thinking","thinking":"What would they do?"}`)
		c.assistant(`{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"cat notes"}}`)
		say(`{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"they defect"}]}]},"session_id":%q}`, c.ID)
		c.answer(`{"action":{"move":"D"}}`)
	},
	// blurts gives its key away wherever it can.
	"blurts": func(c *stubSession) {
		fmt.Fprintln(os.Stderr, "my key is", c.key)
		fmt.Println("my key is", c.key)
		c.assistant(fmt.Sprintf(`{"type":"tool_use","id":"t1","name":"Bash","input":{"command":%q}}`, "echo "+c.key))
		say(`{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":%q}]}}`, c.key)
		c.answer(fmt.Sprintf(`{"action":{"move":"C","key":%q},"send":[{"channel":"square","body":%q}]}`, c.key, c.key))
	},
	"blurts-error": func(c *stubSession) { c.error(401, "authentication_error", "Invalid API key "+c.key) },

	"silent": func(*stubSession) {},
	"dies":   func(*stubSession) { die() },
	// dies-late answers, and dies before its session has the answer.
	"dies-late": func(c *stubSession) {
		c.late = true
		c.answer(`{"action":{"move":"C"}}`)
		die()
	},

	"429":         func(c *stubSession) { c.error(429, "rate_limit_error", "Request rejected (429) · slow down") },
	"529":         func(c *stubSession) { c.error(529, "overloaded_error", "Overloaded") },
	"401":         func(c *stubSession) { c.error(401, "authentication_error", "Invalid API key") },
	"unreachable": func(c *stubSession) { c.error(0, "", "Unable to connect (ECONNREFUSED)") },
	"refusal": func(c *stubSession) {
		c.result(map[string]any{"is_error": true, "stop_reason": "refusal", "result": "API Error: Claude is unable to respond to this request."})
	},
	"max-turns": func(c *stubSession) {
		c.result(map[string]any{"subtype": "error_max_turns", "is_error": true, "errors": []string{"Reached maximum number of turns (1)"}})
	},
	"max-budget": func(c *stubSession) {
		c.result(map[string]any{"subtype": "error_max_budget_usd", "is_error": true, "errors": []string{"Reached maximum budget ($0.01)"}})
	},
	"fails": func(c *stubSession) {
		c.result(map[string]any{"subtype": "error_during_execution", "is_error": true, "errors": []string{"it fell over"}})
	},
}

// answer is a turn that went well.
func (c *stubSession) answer(text string) {
	quoted, _ := json.Marshal(text)
	c.assistant(fmt.Sprintf(`{"type":"text","text":%s}`, quoted))
	c.result(map[string]any{"result": text})
}

// error is a turn that the API answered with an error; status 0 for none.
func (c *stubSession) error(status int, kind, text string) {
	fields := map[string]any{"is_error": true, "stop_reason": "stop_sequence", "result": "API Error: " + text}
	if status != 0 {
		fields["api_error_status"], fields["api_error_type"] = status, kind
	}
	c.result(fields)
}

func (c *stubSession) assistant(block string) {
	c.entries++
	id := fmt.Sprintf("entry-%d-%d", os.Getpid(), c.entries)
	say(`{"type":"assistant","message":{"model":%q,"role":"assistant","content":[%s]},"session_id":%q,"parent_tool_use_id":null,"uuid":%q}`, c.model(), block, c.ID, id)
	c.record(fmt.Sprintf(`{"type":"assistant","uuid":%q,"sessionId":%q}`, id, c.ID))
}

// record adds an entry to the tool's own file of the session. What was said is
// left out: no test looks for it, and there is one that looks for keys.
func (c *stubSession) record(entry string) {
	if c.file == "" || c.late {
		return
	}
	dir := filepath.Join(filepath.Dir(c.file), "projects", "-stub")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(filepath.Join(dir, c.ID+".jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			_, err = f.WriteString(entry + "\n")
			_ = f.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// result ends a turn: one request, of which the tool counts 100 tokens in and
// 20 out.
func (c *stubSession) result(fields map[string]any) {
	const cost = 0.0004
	c.cost += cost
	line := map[string]any{
		"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "session_id": c.ID,
		"total_cost_usd": c.cost, "duration_ms": 79, "stop_reason": "end_turn", "api_error_status": nil, "result": "",
		"usage": map[string]int{"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
		"model_usage_since_last_result": map[string]any{
			c.model(): map[string]any{"inputTokens": 100, "outputTokens": 20, "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0, "costUSD": cost},
		},
	}
	maps.Copy(line, fields)
	text, err := json.Marshal(line)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	say("%s", text)
}
